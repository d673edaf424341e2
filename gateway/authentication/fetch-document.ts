/** Fetches a small document from an issuer: bounded in time and size, no redirects, no surprises. */
import { MIMEType } from 'node:util'
import { Agent } from 'undici'
import { FetchFailure } from './fetch-failure.ts'
import type { FetchedDocument, UnchangedDocument } from './fetched-document.ts'
import { readBody } from './read-body.ts'

export interface FetchDocumentOptions {
  /** The longest a fetch may take until its last byte, in milliseconds. */
  timeout: number
  /** The largest body, in bytes. */
  maxSize: number
  /** The media types that count; a body of any other is not read. */
  mediaTypes: readonly string[]
  /** Left out: it is fetched anew. */
  sharing?: Sharing | undefined
}

/**
 * Where several processes share what they fetch (`workers`), what does as well as an answer of one's
 * own, in milliseconds: one that is younger, or one that came since somebody last had this doubt.
 * A process that shares with nobody fetches each time.
 */
export type Sharing =
  { readonly youngerThan: number } | { readonly cooldown: number; readonly doubt: Doubt }

/** Why what is known may be out of date: each has a cooldown of its own, so that none hinders the other. */
export type Doubt = 'unknown key' | 'wrong signature'

export type DocumentFetcher = (
  url: string,
  options: FetchDocumentOptions & {
    /** Asks only for a document that is not this version. */
    unlessEtag?: string | undefined
  },
) => Promise<FetchedDocument | UnchangedDocument>

export interface DocumentSource {
  readonly fetch: DocumentFetcher
  /** Closes the connections. */
  close(): Promise<void>
}

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
        // Not a byte of it is read; destroying it reports an error to whoever listens.
        body.on('error', () => {}).destroy()
        throw new FetchFailure(fault, { status: statusCode })
      }
      return {
        body: await readBody(body, options.maxSize),
        etag: single(headers.etag),
        maxAge: maxAgeOf(single(headers['cache-control'])),
      }
    } catch (cause) {
      if (cause instanceof FetchFailure) throw cause
      if (signal.aborted)
        throw new FetchFailure(`no answer within ${options.timeout} ms`, { cause })
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
