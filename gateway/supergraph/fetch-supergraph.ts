/** One conditional request for a text, with limits of time and size, without redirects. */
import { isUtf8 } from 'node:buffer'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import type { Dispatcher } from 'undici'

export interface FetchTextOptions {
  readonly agent: Dispatcher
  /** Headers of the operator, which may hold secrets. */
  readonly headers: Readonly<Record<string, string>>
  /** The longest time until the last byte, in milliseconds. */
  readonly timeout: number
  /** The largest body after decompression, in bytes. */
  readonly limit: number
  /** Fetches the text only if it is not this version. */
  readonly unlessEtag?: string | undefined
}

export interface FetchedText {
  readonly text: string
  readonly etag: string | undefined
}

/** Thrown when a text cannot be fetched; the message follows "cannot be fetched:". */
export class TextFetchFailure extends Error {
  override name = 'TextFetchFailure'
}

/** Returns the text at that URL. */
export async function fetchText(
  url: string,
  options: FetchTextOptions,
): Promise<FetchedText | 'unchanged' | 'not found'> {
  const { agent, headers, timeout, unlessEtag } = options
  const { origin, pathname, search } = new URL(url)
  const signal = AbortSignal.timeout(timeout)
  try {
    const response = await agent.request({
      origin,
      path: pathname + search,
      method: 'GET',
      headers: {
        accept: '*/*',
        'accept-encoding': 'gzip, br',
        ...headers,
        ...(unlessEtag === undefined ? {} : { 'if-none-match': unlessEtag }),
      },
      signal,
    })
    const { statusCode: status, body } = response
    if (status === 200) {
      const bytes = await readBody(response, options.limit)
      if (!isUtf8(bytes)) throw new TextFetchFailure('the body is not UTF-8')
      return { text: bytes.toString('utf8'), etag: textOf(response.headers.etag) }
    }
    // Nothing of it is read; destroying it emits an error.
    body.on('error', () => {}).destroy()
    if (status === 304 && unlessEtag !== undefined) return 'unchanged'
    if (status === 404) return 'not found'
    throw new TextFetchFailure(`${faultOfStatus(status)}`)
  } catch (cause) {
    if (cause instanceof TextFetchFailure) throw cause
    if (signal.aborted) throw new TextFetchFailure(`no response within ${timeout} ms`, { cause })
    throw new TextFetchFailure(reasonOf(cause as NodeJS.ErrnoException), { cause })
  }
}

async function readBody(
  { body, headers }: Dispatcher.ResponseData,
  limit: number,
): Promise<Buffer> {
  const coding = (textOf(headers['content-encoding']) ?? 'identity').trim().toLowerCase()
  const chunks: Buffer[] = []
  let size = 0
  const collect = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      size += chunk.length
      if (size > limit) throw new Error('too much')
      chunks.push(chunk)
    }
  }
  try {
    if (coding === 'identity') await pipeline(body, collect)
    else if (coding === 'gzip') await pipeline(body, createGunzip(), collect)
    else if (coding === 'br') await pipeline(body, createBrotliDecompress(), collect)
    else {
      body.on('error', () => {}).destroy()
      throw new TextFetchFailure('the body has an unknown content encoding')
    }
  } catch (cause) {
    // What leaves a pipeline early aborts it, which may be reported instead.
    if (size > limit) throw new TextFetchFailure(`the body has more than ${limit} bytes`, { cause })
    throw cause
  }
  return Buffer.concat(chunks)
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === undefined || message.includes(code)) return message
  return message ? `${message} (${code})` : code
}

function faultOfStatus(status: number): string {
  const isRedirect = status >= 300 && status < 400 && status !== 304
  const advice = isRedirect ? ' (redirects are not followed: give the URL that it leads to)' : ''
  return `HTTP status ${status}${advice}`
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
