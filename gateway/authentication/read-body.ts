import { FetchFailure } from './fetch-failure.ts'
import { textOf } from './text-of.ts'

/** Returns the text of a response's body; one that is larger, in bytes, is a FetchFailure. */
export async function readBody(body: AsyncIterable<Buffer>, maxSize: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > maxSize)
      throw new FetchFailure(`a body of more than ${maxSize} bytes`, { status: 200 })
    chunks.push(chunk)
  }
  return textOf(Buffer.concat(chunks))
}
