import type { GuardDirective } from './guard-directive.ts'

/** `@authenticated`: met by every caller with an access token. */
export const authenticated: GuardDirective<object> = {
  name: 'authenticated',
  url: 'https://specs.apollo.dev/authenticated/v0.1',
  listArgument: undefined,
  read: () => ({}),
  canonical: (given) => given,
  decidedBy: 'claims',
  policies: () => [],
  isMet: (_given, { claims }) => claims !== null,
  missing: (_guards, { claims }) => (claims ? {} : { authenticated: true }),
  scopes: () => [],
  login: () => undefined,
  print: () => '@authenticated',
  alternatives: () => [[]],
  implies: () => true,
  names: undefined,
}
