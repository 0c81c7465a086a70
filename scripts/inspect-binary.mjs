// What the addon's binary shows and needs, read from the file: ELF (System V ABI), PE/COFF, Mach-O, each 64-bit little-endian.
import { readFileSync } from 'node:fs';

const zeroEnded = (file, offset) => file.toString('latin1', offset, file.indexOf(0, offset));
const range = (count) => Array.from({ length: count }, (_, index) => index);

function readElf(file) {
  const start = Number(file.readBigUInt64LE(0x28));
  const sections = range(file.readUInt16LE(0x3c)).map((index) => {
    const header = start + index * file.readUInt16LE(0x3a);
    return {
      type: file.readUInt32LE(header + 4),
      offset: Number(file.readBigUInt64LE(header + 0x18)),
      size: Number(file.readBigUInt64LE(header + 0x20)),
      link: file.readUInt32LE(header + 0x28),
    };
  });
  const section = (type) => sections.find((candidate) => candidate.type === type);
  const entries = ({ offset, size }, bytes) => range(size / bytes).map((index) => offset + index * bytes);
  const [symbols, dynamic, needs] = [11, 6, 0x6ffffffe].map(section); // SHT_DYNSYM, SHT_DYNAMIC, SHT_GNU_verneed
  const text = ({ link }, offset) => zeroEnded(file, sections[link].offset + offset);
  const versions = [];
  for (let at = needs?.offset, next = needs ? 1 : 0; next; at += next) {
    for (let aux = at + file.readUInt32LE(at + 8), more = 1; more; aux += more) {
      versions.push(text(needs, file.readUInt32LE(aux + 8)));
      more = file.readUInt32LE(aux + 12);
    }
    next = file.readUInt32LE(at + 12);
  }
  return {
    format: 'ELF',
    arch: { 62: 'x64', 183: 'arm64' }[file.readUInt16LE(18)],
    exports: entries(symbols, 24)
      .filter((at) => file[at + 4] >> 4 !== 0 && file.readUInt16LE(at + 6) !== 0) // not local, defined
      .map((at) => text(symbols, file.readUInt32LE(at))),
    libraries: entries(dynamic, 16)
      .filter((at) => file.readBigUInt64LE(at) === 1n) // DT_NEEDED
      .map((at) => text(dynamic, Number(file.readBigUInt64LE(at + 8)))),
    versions,
    stripped: !section(2), // SHT_SYMTAB
  };
}

function readPe(file) {
  const coff = file.readUInt32LE(0x3c) + 4;
  const optional = coff + 20;
  const table = optional + file.readUInt16LE(coff + 16);
  const sections = range(file.readUInt16LE(coff + 2)).map((index) => table + index * 40);
  const locate = (address) => {
    const section = sections.find((at) => {
      const begin = file.readUInt32LE(at + 12);
      return address >= begin && address < begin + file.readUInt32LE(at + 16);
    });
    return address - file.readUInt32LE(section + 12) + file.readUInt32LE(section + 20);
  };
  const directory = (index) => locate(file.readUInt32LE(optional + 112 + 8 * index));
  const [exported, imported] = [directory(0), directory(1)];
  const names = locate(file.readUInt32LE(exported + 32));
  const libraries = [];
  for (let at = imported; file.readUInt32LE(at + 12) !== 0; at += 20) {
    libraries.push(zeroEnded(file, locate(file.readUInt32LE(at + 12))));
  }
  return {
    format: 'PE',
    arch: { 34404: 'x64', 43620: 'arm64' }[file.readUInt16LE(coff)],
    exports: range(file.readUInt32LE(exported + 24)).map((index) =>
      zeroEnded(file, locate(file.readUInt32LE(names + 4 * index))),
    ),
    libraries,
    versions: [],
    stripped: file.readUInt32LE(coff + 12) === 0, // symbols
  };
}

/** What Zig's linker calls the file's own header and shows; nobody looks for them in another file. */
const headerNames = ['_mh_dylib_header', '__dso_handle'];

function readMachO(file) {
  const result = { format: 'Mach-O', arch: { 16777223: 'x64', 16777228: 'arm64' }[file.readUInt32LE(4)] };
  Object.assign(result, { exports: [], libraries: [], versions: [], stripped: true, signed: false });
  let at = 32;
  for (let left = file.readUInt32LE(16); left > 0; left--, at += file.readUInt32LE(at + 4)) {
    const command = file.readUInt32LE(at);
    if (command === 0xc) result.libraries.push(zeroEnded(file, at + file.readUInt32LE(at + 8))); // LC_LOAD_DYLIB
    if (command === 0x1d) result.signed = true; // LC_CODE_SIGNATURE
    if (command === 0x32) result.versions.push(`${file.readUInt16LE(at + 14)}.${file[at + 13]}`); // LC_BUILD_VERSION
    if (command !== 0x2) continue; // LC_SYMTAB
    const [symbols, count, strings] = [8, 12, 16].map((field) => file.readUInt32LE(at + field));
    for (const index of range(count)) {
      const symbol = symbols + 16 * index;
      const type = file[symbol + 4];
      if (type & 0xe0) result.stripped = false; // N_STAB: for debuggers
      if ((type & 0x1f) !== 0xf) continue; // N_SECT, N_EXT, not N_PEXT
      const shown = zeroEnded(file, strings + file.readUInt32LE(symbol) + 1);
      if (!headerNames.includes(shown)) result.exports.push(shown);
    }
  }
  return result;
}

/** Format, architecture, exported names, libraries and versions of symbols that are needed. */
export function inspect(file) {
  const magic = file.readUInt32LE(0);
  if (magic === 0x464c457f) return readElf(file);
  if (magic === 0xfeedfacf) return readMachO(file);
  if (file.toString('latin1', 0, 2) === 'MZ') return readPe(file);
  throw new Error('expected an ELF, PE or Mach-O file');
}

const entry = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
const newestGlibc = [2, 28];
/** What every system of the kind has, so that nothing else need be installed. */
const systemLibraries = {
  glibc: /^(lib(c|m|dl|pthread|rt)\.so\.\d|ld-linux-[\w-]+\.so\.\d)$/,
  musl: /^libc(\.musl-\w+)?\.so(\.1)?$/,
  darwin: /^\/usr\/lib\/(libSystem|libc\+\+)\.[\w.]+$/,
  win32: /^(node\.exe|kernel32\.dll|ntdll\.dll|ucrtbase\.dll|msvcrt\.dll|api-ms-win-crt-[\w-]+\.dll)$/i,
};
const formats = { linux: 'ELF', darwin: 'Mach-O', win32: 'PE' };

/** What is wrong with a released binary of a target; empty if nothing is. */
export function problemsOf(name, path) {
  const [platform, arch, libc] = name.split('-');
  const found = inspect(readFileSync(path));
  const problems = [];
  const expectThat = (holds, what) => holds || problems.push(`${path}: expected ${what}`);
  expectThat(found.format === formats[platform], `format ${formats[platform]}, got ${found.format}`);
  expectThat(found.arch === arch, `architecture ${arch}, got ${found.arch}`);
  expectThat(found.exports.sort().join() === entry.join(), `the symbols ${entry} only, got ${found.exports}`);
  const foreign = found.libraries.filter((library) => !systemLibraries[libc ?? platform].test(library));
  expectThat(foreign.length === 0, `to need the system's libraries only, got ${foreign}`);
  const newer = found.versions.filter((version) => {
    const [, major, minor] = /^GLIBC_(\d+)\.(\d+)/.exec(version) ?? [];
    return major && (major > newestGlibc[0] || (+major === newestGlibc[0] && minor > newestGlibc[1]));
  });
  expectThat(newer.length === 0, `symbols of glibc ${newestGlibc.join('.')} at most, got ${newer}`);
  expectThat(found.stripped, 'no symbols beyond those that are needed');
  if (found.format === 'Mach-O') expectThat(found.signed, 'a signature: macOS runs nothing without on arm64');
  return problems;
}
