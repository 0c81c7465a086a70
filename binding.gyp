# CMakeLists.txt is the only build description. This lets tools that drive node-gyp build the addon with it.
{
  'targets': [
    {
      'target_name': 'jepa',
      'type': 'none',
      'actions': [
        {
          'action_name': 'cmake',
          'inputs': ['CMakeLists.txt'],
          'outputs': ['build/cmake/Release/jepa.node'],
          'action': ['<!(node -p process.execPath)', '<!(node -p "require.resolve(\'cmake-js/bin/cmake-js\')")', 'build', '--out', 'build/cmake', '--parallel', '2'],
        },
      ],
      'copies': [
        { 'destination': '<(PRODUCT_DIR)', 'files': ['build/cmake/Release/jepa.node'] },
      ],
    },
  ],
}
