/**
 * Returns the text of a body without a byte order mark, which a reader of JSON may ignore (RFC 8259
 * section 8.1); one that is larger, in bytes, is an error.
 */
export async function readBody(
  body: AsyncIterable<Buffer>,
  maxSize: number,
  tooLarge: (size: string) => Error,
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > maxSize) throw tooLarge(`more than ${maxSize} bytes`)
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
