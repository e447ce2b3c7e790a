/** CRC16 (XMODEM) for each byte. @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  return crc;
});

const SLOTS = 16_384;

const crcOf = (bytes: Uint8Array): number =>
  bytes.reduce((crc, byte) => ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0), 0);

/** The slots of the few tags there are: 64 buckets a namespace, a tag for each service. */
const known = new Map<string, number>();
const KNOWN_LIMIT = 10_000;

/** The hash slot of a key in a Cluster: of what stands between its first braces, if anything does. */
export function hashSlotOf(key: string): number {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open + 1);
  if (open < 0 || close <= open + 1) return crcOf(Buffer.from(key)) % SLOTS;
  const tag = key.slice(open + 1, close);
  let slot = known.get(tag);
  if (slot === undefined) {
    slot = crcOf(Buffer.from(tag)) % SLOTS;
    if (known.size < KNOWN_LIMIT) known.set(tag, slot);
  }
  return slot;
}
