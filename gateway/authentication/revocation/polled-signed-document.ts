/**
 * A document that an issuer signs and the gateway polls: a status list, or the not-before policy.
 */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { DocumentFetcher } from '../fetch-document.ts'
import type { KeysInUse } from '../use-key.ts'
import { polledDocument } from './polled-document.ts'
import type { PolledDocument, PolledDocumentOptions } from './polled-document.ts'
import { readSignedDocument } from './signed-document.ts'
import type { SignedDocument, SignedDocumentRules } from './signed-document.ts'

export interface SignedDocumentOptions extends PolledDocumentOptions {
  /** The longest a fetch may take, in milliseconds. */
  timeout: number
}

export interface SignedDocumentParts extends Omit<SignedDocumentRules, 'type' | 'maxSize'> {
  keys: KeysInUse
  fetch: DocumentFetcher
  clock: Clock
  log: Logger
}

export interface DocumentForm<Content> {
  /** The accepted `typ`, which is also the media type without `application/`. */
  readonly type: string
  readonly read: (payload: SignedDocument['payload']) => Content | Promise<Content>
}

const maxSize = 2 * 1024 * 1024

/** Returns the document at the address; it starts to fetch it, without waiting for it. */
export function polledSignedDocument<Content>(
  uri: string,
  { type, read }: DocumentForm<Content>,
  options: SignedDocumentOptions,
  parts: SignedDocumentParts,
): PolledDocument<Content> {
  const { issuer, algorithms, clockTolerance, keys, clock, log } = parts
  const { timeout } = options
  const rules = { issuer, algorithms, type, maxSize, clockTolerance }
  const mediaTypes = [`application/${type}`]
  return polledDocument(options, {
    uri,
    fetch: (unlessEtag, sharing) =>
      parts.fetch(uri, { timeout, maxSize, mediaTypes, unlessEtag, sharing }),
    read: async (text) => {
      const { payload, ...times } = await readSignedDocument(text, uri, rules, keys, clock.now())
      return { content: await read(payload), ...times }
    },
    clock,
    log,
  })
}
