import { z } from 'zod'
import { faultOfUrl } from '../authentication/issuer-url.ts'
import { address, camelCased, duration, flag, together } from './values.ts'
import type { Problem } from './values.ts'

/** `authentication.issuers.*.revocation`: the documents by which an issuer revokes tokens. */
export const revocationSchema = z
  .strictObject({
    status_lists: z
      .array(address())
      .default([])
      .describe('URLs of Token Status Lists; a URL that ends in / covers every list below it'),
    status_list_aggregation: address()
      .optional()
      .describe(
        'The URL of the list of status lists (status_list_aggregation_endpoint); left out: each URL of status_lists that ends in /, if there is a document',
      ),
    not_before: address()
      .optional()
      .describe(
        'The URL of the not-before policies of subjects and keys (application/revocations+jwt): tokens issued earlier are refused',
      ),
    refresh: duration({ least: '1s', most: '1h' })
      .default(5_000)
      .describe('How often the documents are fetched'),
    stale_for: duration({ least: '0s', most: '24h' })
      .default(300_000)
      .describe('How long the last good documents are used while the issuer cannot be reached'),
    when_stale: z
      .enum(['refuse', 'accept'])
      .default('refuse')
      .describe('Whether tokens are refused or accepted after stale_for'),
    required: flag()
      .default(false)
      .describe('true: a token that refers to no status list is refused'),
    timeout: duration({ least: '100ms', most: '30s' })
      .default(1_500)
      .describe('The longest time that a fetch may take'),
  })
  .check(together<RevocationInput>(checkDocuments))
  .transform(camelCased)

type RevocationInput = Partial<
  Record<'status_lists' | 'status_list_aggregation' | 'not_before', unknown>
>

function checkDocuments(revocation: RevocationInput, problem: Problem): void {
  const { status_lists: lists = [], not_before: notBefore } = revocation
  if (revocation.status_list_aggregation !== undefined && !hasPrefix(lists)) {
    const message = 'needs an entry of status_lists that ends in /, below which the lists are'
    problem(['status_list_aggregation'], message)
  }
  if (notBefore !== undefined || !Array.isArray(lists) || lists.length > 0) return
  problem([], 'needs status_lists, not_before, or both')
}

function hasPrefix(lists: unknown): boolean {
  return Array.isArray(lists) && lists.some((uri) => typeof uri === 'string' && uri.endsWith('/'))
}

/** The section once its own keys are valid: with the names that the code uses. */
export type RevocationAddresses = Partial<
  Pick<z.output<typeof revocationSchema>, 'statusLists' | 'statusListAggregation' | 'notBefore'>
>

/** Reports every address from which documents must not be fetched. */
export function checkRevocationUrls(
  { statusLists = [], statusListAggregation, notBefore }: RevocationAddresses,
  allowHttp: boolean,
  problem: Problem,
): void {
  const addresses: [PropertyKey[], string | undefined][] = [
    ...statusLists.map((list, index): [PropertyKey[], string] => [['status_lists', index], list]),
    [['status_list_aggregation'], statusListAggregation],
    [['not_before'], notBefore],
  ]
  for (const [path, url] of addresses) {
    const fault = url && faultOfUrl(url, allowHttp)
    if (fault) problem(path, fault)
  }
}
