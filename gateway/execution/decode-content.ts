/** Content codings of HTTP (RFC 9110 section 8.4.1). */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const zlibStream = promisify<Buffer, object, Buffer>(inflate)
const rawStream = promisify<Buffer, object, Buffer>(inflateRaw)

/** Many servers send `deflate` without the zlib header that it should have. */
const inflateEither: Decode = (bytes, options) =>
  ((bytes[0] ?? 0) & 0x0f) === 0x08 ? zlibStream(bytes, options) : rawStream(bytes, options)

const decoders: ReadonlyMap<string, Decode> = new Map([
  ['gzip', promisify<Buffer, object, Buffer>(gunzip)],
  ['x-gzip', promisify<Buffer, object, Buffer>(gunzip)],
  ['br', promisify<Buffer, object, Buffer>(brotliDecompress)],
  ['deflate', inflateEither],
])

/** The most codings that are removed from one response. */
const mostCodings = 3

/**
 * Returns the content with its codings removed; their names are case-insensitive. It rejects for an unknown
 * coding, and for content larger than the limit.
 *
 * @param encoding the value of `Content-Encoding`: the last coding was applied last
 */
export async function decodeContent(
  bytes: Buffer,
  encoding: string,
  limit: number,
): Promise<Buffer> {
  const names = encoding.split(',').map((name) => name.trim().toLowerCase())
  const codings = names.filter((name) => name !== '' && name !== 'identity').reverse()
  if (codings.length > mostCodings) throw new Error(`more than ${mostCodings} content codings`)
  let content = bytes
  for (const coding of codings) {
    const decode = decoders.get(coding)
    if (!decode) throw new Error(`a content coding other than ${[...decoders.keys()].join(', ')}`)
    content = await decode(content, { maxOutputLength: limit })
  }
  return content
}
