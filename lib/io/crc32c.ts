/** x³² + x²⁸ + x²⁷ + … + 1 (Castagnoli 1993), bits reversed. */
const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? polynomial ^ (remainder >>> 1) : remainder >>> 1;
  return remainder >>> 0;
});

/** CRC-32C of some bytes, as iSCSI (RFC 3720, appendix B.4) and TFRecord files use it; zlib's `crc32` is of another polynomial. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) remainder = table[(remainder ^ byte) & 255] ^ (remainder >>> 8);
  return (remainder ^ 0xffffffff) >>> 0;
}
