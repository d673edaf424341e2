/** Returns a time in the format of RFC 3339. */
export function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
