/** Returns a time as RFC 3339 writes it. */
export function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
