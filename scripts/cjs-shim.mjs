// The CommonJS side of the package: one line over the ES modules (Node ≥ 20.19 can require them), and types for it.
import { mkdirSync, writeFileSync } from 'node:fs';

mkdirSync('dist/cjs', { recursive: true });
writeFileSync('dist/cjs/index.cjs', "module.exports = require('../esm/index.js');\n");
writeFileSync(
  'dist/cjs/index.d.cts',
  "// @ts-ignore TS1479: every Node.js that this package accepts can require an ES module.\nexport * from '../esm/index.js';\n",
);
