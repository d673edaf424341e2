/**
 * The status lists of one issuer that the gateway follows: at most 64, the longest unused gives
 * way.
 */
import type { PolledDocument } from './polled-document.ts'
import { polledSignedDocument } from './polled-signed-document.ts'
import type { SignedDocumentOptions, SignedDocumentParts } from './polled-signed-document.ts'
import { readStatusList } from './status-list.ts'
import type { StatusList } from './status-list.ts'

interface FollowedList {
  readonly document: PolledDocument<StatusList>
  usedAt: number
}

/** The most status lists of one issuer that are followed at a time. */
const maxStatusLists = 64

const form = {
  type: 'statuslist+jwt',
  read: (payload: Readonly<Record<string, unknown>>) => readStatusList(payload.status_list),
}

/** Returns the followed status lists of one issuer, none at first. */
export function followedLists(options: SignedDocumentOptions, parts: SignedDocumentParts) {
  const { clock } = parts
  const lists = new Map<string, FollowedList>()
  return {
    at,
    /** Follows the list at the address unless there are too many. */
    followIfRoom(uri: string): void {
      if (lists.has(uri) || lists.size < maxStatusLists) at(uri)
    },
    documents: () => [...lists.values()].map(({ document }) => document),
  }

  /** Returns the list at the address, followed from now on. */
  function at(uri: string): PolledDocument<StatusList> {
    const followed = lists.get(uri)
    if (!followed) return follow(uri)
    followed.usedAt = clock.now()
    return followed.document
  }

  function follow(uri: string): PolledDocument<StatusList> {
    if (lists.size >= maxStatusLists) dropLongestUnused()
    const document = polledSignedDocument(uri, form, options, parts)
    lists.set(uri, { document, usedAt: clock.now() })
    return document
  }

  function dropLongestUnused(): void {
    const [uri, { document }] = [...lists].reduce((a, b) => (a[1].usedAt <= b[1].usedAt ? a : b))
    document.close()
    lists.delete(uri)
  }
}
