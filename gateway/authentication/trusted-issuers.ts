/** The issuers whose access tokens the gateway accepts, followed together. */
import { createIssuer } from './issuer.ts'
import type { IssuerOptions, IssuerParts } from './issuer.ts'

/** Returns the issuers; it starts to fetch what they publish, without waiting for it. */
export function trustedIssuers(options: readonly IssuerOptions[], parts: IssuerParts) {
  const issuers = options.map((issuer) => createIssuer(issuer, parts))

  return {
    opaque: issuers.find(({ introspection }) => introspection),
    byName: new Map(issuers.flatMap((issuer) => issuer.names.map((name) => [name, issuer]))),
    /** Returns why tokens of a required issuer cannot be verified, in words; empty when all can. */
    unreadiness(): string[] {
      const required = issuers.filter(({ options }) => options.required !== false)
      const withoutKeys = required.filter(({ keys }) => keys && !keys.ready())
      const missing = required.flatMap(({ revocation }) => revocation?.missing() ?? [])
      return [
        ...withoutKeys.map(({ name }) => `no usable keys of ${name}`),
        ...missing.map((uri) => `nothing usable from ${uri}`),
      ]
    },
    /** Resolves when the first attempt to fetch each document has ended, with success or without. */
    firstAttempt: Promise.all(
      issuers.flatMap(({ keys, revocation }) => [keys?.firstAttempt, revocation?.firstAttempt]),
    ).then(() => {}),
    keySets: () =>
      issuers.flatMap(({ name, keys }) => (keys ? [{ issuer: name, age: keys.age() }] : [])),
    revocation: () =>
      issuers.flatMap(({ name, revocation }) =>
        (revocation?.documents() ?? []).map((document) => ({ issuer: name, ...document })),
      ),
    async close() {
      for (const { keys, revocation } of issuers) {
        keys?.close()
        revocation?.close()
      }
      await Promise.all(issuers.map(({ introspection }) => introspection?.close()))
    },
  }
}
