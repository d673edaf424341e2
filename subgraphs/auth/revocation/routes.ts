/** Adds the documents from which gateways learn of revocations. */
import type { Express } from 'express'
import { addGetRoute } from '../../kit/get-route.ts'
import type { AuthDatabase } from '../database.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import { revocationsMediaType, revocationsPath, revocationsType } from './not-before.ts'
import type { NotBeforeStore } from './not-before.ts'
import { documentRoute } from './document-route.ts'
import { signedDocument } from './signed-document.ts'
import type { SignedDocument } from './signed-document.ts'
import {
  countStatusLists,
  readStatusList,
  statusListMediaType,
  statusListsPath,
  statusListType,
  statusListUri,
} from './status-lists.ts'

export interface RevocationParts {
  database: AuthDatabase
  keys: SigningKeys
  notBefore: NotBeforeStore
  issuer: string
  /** The address at which gateways reach the auth subgraph, without a trailing slash. */
  baseUrl: () => string
  now: () => number
}

export function addRevocationRoutes(app: Express, parts: RevocationParts): void {
  const { database, notBefore, baseUrl, now, ...signing } = parts
  const lists = new Map<number, () => Promise<SignedDocument>>()

  const statusList = (list: number) => {
    const document =
      lists.get(list) ??
      signedDocument({
        ...signing,
        now,
        type: statusListType,
        uri: () => statusListUri(list, baseUrl()),
        read: () => readStatusList(database, list, now()),
      })
    lists.set(list, document)
    return document()
  }
  const revocations = signedDocument({
    ...signing,
    now,
    type: revocationsType,
    uri: () => `${baseUrl()}${revocationsPath}`,
    read: notBefore.read,
  })

  addGetRoute(
    app,
    `${statusListsPath}/:list`,
    documentRoute(statusListMediaType, async ({ list }) => {
      const exists = /^[1-9]\d{0,5}$/.test(String(list)) && Number(list) <= (await countLists())
      return exists ? statusList(Number(list)) : undefined
    }),
  )
  addGetRoute(app, statusListsPath, async (_request, response) => {
    const uris = Array.from({ length: await countLists() }, (_, index) =>
      statusListUri(index + 1, baseUrl()),
    )
    response.set('cache-control', 'public, max-age=5').json({ status_lists: uris })
  })
  addGetRoute(app, revocationsPath, documentRoute(revocationsMediaType, revocations))

  function countLists() {
    return countStatusLists(database)
  }
}
