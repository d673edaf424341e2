import { z } from 'zod'
import { tenantIssuers } from '../authentication/tenant-issuers.ts'
import { text } from './values.ts'

const clientSchema = z
  .union(
    [
      text(),
      z.strictObject({
        issuer: text().describe('The issuer, as authentication.issuers has it'),
        client: text().describe('The id of its client'),
      }),
    ],
    'expected the id of a client, or { issuer: ..., client: ... }',
  )
  .transform((client) => (typeof client === 'string' ? { client, issuer: undefined } : client))

/** A list of clients to which access tokens are issued, at least one: each by its id, or with its issuer. */
export function clientList() {
  return z.array(clientSchema).min(1, 'expected at least one entry')
}

/** A client by its id, of the only issuer or of this one. */
export type ConfiguredClient = z.output<typeof clientSchema>

/** A client of certain issuers. */
export interface ClientOfIssuers {
  readonly client: string
  /** Every `iss` of its access tokens. */
  readonly issuers: readonly string[]
}

type Issuers = readonly Parameters<typeof tenantIssuers>[0][]

/** Returns the clients with the issuers of their access tokens. */
export function clientsOfIssuers(
  clients: readonly ConfiguredClient[],
  issuers: Issuers,
): readonly ClientOfIssuers[] {
  return clients.map(({ client, issuer }) => ({
    client,
    issuers: issuers
      .filter((entry) => issuer === undefined || entry.issuer === issuer)
      .flatMap(tenantIssuers),
  }))
}
