import { isUtf8 } from 'node:buffer'

export type DecodedText = { readonly text: string } | { readonly invalidLine: number }

/** Returns the text of the bytes, or the number of the first line that is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): DecodedText {
  if (isUtf8(bytes)) return { text: new TextDecoder().decode(bytes) }
  let line = 1
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    if (!isUtf8(bytes.subarray(start, end))) break
    start = end + 1
  }
  return { invalidLine: line }
}
