/** Fetches a small document from an issuer, with limits of time and size, without redirects. */
import { MIMEType } from 'node:util'
import { Agent } from 'undici'
import { readBody } from '../values/read-body.ts'
import { FetchFailure } from './fetch-failure.ts'
import type { FetchedDocument, UnchangedDocument } from './fetched-document.ts'

export interface FetchDocumentOptions {
  /** The longest a fetch may take until its last byte, in milliseconds. */
  timeout: number
  /** The largest body, in bytes. */
  maxSize: number
  /** The accepted media types; a body of any other is not read. */
  mediaTypes: readonly string[]
  /** Undefined: it is fetched anew. */
  sharing?: Sharing | undefined
}

/**
 * Which earlier response is good enough where several gateways share what they fetch (workers, and the
 * configurations of one process), in milliseconds: one that is younger, or one that came since one of
 * them last had this doubt.
 */
export type Sharing =
  { readonly youngerThan: number } | { readonly cooldown: number; readonly doubt: Doubt }

/**
 * Why the known keys may be out of date: each reason has its own cooldown, so that neither
 * blocks the other.
 */
export type Doubt = 'unknown key' | 'wrong signature'

export type DocumentFetcher = (
  url: string,
  options: FetchDocumentOptions & {
    /** Fetches the document only if it is not this version. */
    unlessEtag?: string | undefined
  },
) => Promise<FetchedDocument | UnchangedDocument>

export interface DocumentSource {
  readonly fetch: DocumentFetcher
  /** Closes the connections. */
  close(): Promise<void>
}

/** Returns a fetcher with its own connections. */
export function documentFetcher(): DocumentSource {
  const agent = new Agent({ connections: 2, keepAliveTimeout: 30_000 })

  const fetch: DocumentFetcher = async (url, options) => {
    const { origin, pathname, search } = new URL(url)
    const signal = AbortSignal.timeout(options.timeout)
    try {
      const { statusCode, headers, body } = await agent.request({
        origin,
        path: pathname + search,
        method: 'GET',
        headers: {
          accept: options.mediaTypes.join(', '),
          ...(options.unlessEtag ? { 'if-none-match': options.unlessEtag } : {}),
        },
        signal,
      })
      if (statusCode === 304 && options.unlessEtag) {
        await body.dump()
        return { unchanged: true }
      }
      const fault = faultOf(statusCode, headers, options.mediaTypes)
      if (fault) {
        // None of it is read; destroying it emits an error.
        body.on('error', () => {}).destroy()
        throw new FetchFailure(fault, { status: statusCode })
      }
      return {
        body: await readBody(body, options.maxSize, tooLarge),
        etag: single(headers.etag),
        maxAge: maxAgeOf(single(headers['cache-control'])),
      }
    } catch (cause) {
      if (cause instanceof FetchFailure) throw cause
      if (signal.aborted)
        throw new FetchFailure(`no response within ${options.timeout} ms`, { cause })
      const { code, message } = cause as NodeJS.ErrnoException
      throw new FetchFailure(code ?? message, { cause })
    }
  }

  return { fetch, close: () => agent.destroy() }
}

type Headers = Record<string, string | string[] | undefined>

function faultOf(status: number, headers: Headers, mediaTypes: readonly string[]) {
  if (status !== 200) return `HTTP status ${status}`
  if (isEncoded(single(headers['content-encoding']))) return 'a body with a content encoding'
  const type = essence(single(headers['content-type']))
  return mediaTypes.includes(type) ? undefined : `a body of the type ${type || 'unknown'}`
}

function tooLarge(size: string): FetchFailure {
  return new FetchFailure(`a body of ${size}`, { status: 200 })
}

function isEncoded(coding = 'identity'): boolean {
  return coding.trim().toLowerCase() !== 'identity'
}

function essence(contentType: string | undefined): string {
  try {
    return new MIMEType(contentType ?? '').essence
  } catch {
    return ''
  }
}

function maxAgeOf(cacheControl: string | undefined): number | undefined {
  const [, seconds] = /(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl ?? '') ?? []
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
