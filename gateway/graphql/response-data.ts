/** The JSON text of `data` in a response: a short one is a string, a long one the bytes in pieces. */
export type ResponseData = string | readonly Uint8Array[]

/** Returns how many bytes a text has in UTF-8. */
export function sizeOfText(text: ResponseData): number {
  if (typeof text === 'string') return Buffer.byteLength(text)
  return text.reduce((size, piece) => size + piece.length, 0)
}

/** Returns the text as one string. */
export function stringOf(text: ResponseData): string {
  return typeof text === 'string' ? text : Buffer.concat(text).toString()
}
