/** Returns a number from 0 to 2^32 - 1 for the values: FNV-1a, folded, the same on every machine. */
export function hash(...parts: readonly unknown[]): number {
  let value = 2166136261
  for (const character of JSON.stringify(parts)) {
    value = Math.imul(value ^ character.charCodeAt(0), 16777619)
  }
  return (value ^ (value >>> 13)) >>> 0
}
