/**
 * Returns the text of UTF-8 without a byte order mark, which a reader of JSON may ignore (RFC 8259
 * section 8.1).
 */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
