// The platforms that the package has a binary for, as node-gyp-build names them, and what Zig calls them.

export const targets = [
  { name: 'linux-x64-glibc', triple: 'x86_64-linux-gnu.2.28' },
  { name: 'linux-arm64-glibc', triple: 'aarch64-linux-gnu.2.28' },
  { name: 'linux-x64-musl', triple: 'x86_64-linux-musl' },
  { name: 'linux-arm64-musl', triple: 'aarch64-linux-musl' },
  { name: 'darwin-arm64', triple: 'aarch64-macos.11.0' },
  { name: 'win32-x64', triple: 'x86_64-windows-gnu' },
];

/** The name of the target that this machine is. */
export function thisMachine() {
  const { header } = process.report.getReport();
  const libc = process.platform !== 'linux' ? '' : header.glibcVersionRuntime ? '-glibc' : '-musl';
  return `${process.platform}-${process.arch}${libc}`;
}

/** Where node-gyp-build looks for the binary of a target. */
export function pathOf(name) {
  const [platform, arch, libc] = name.split('-');
  return `prebuilds/${platform}-${arch}/jepa${libc ? `.${libc}` : ''}.node`;
}
