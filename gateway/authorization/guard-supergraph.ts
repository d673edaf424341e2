/**
 * A supergraph whose guards are enforced. To make it load and to make the enforcer is one step here:
 * whoever has the SDL that an engine loads has the authorizer in the other hand.
 */
import { parse } from 'graphql'
import { defaultAuthorization } from './authorization-options.ts'
import type { AuthorizationOptions } from './authorization-options.ts'
import { authorizer } from './authorizer.ts'
import type { Authorizer } from './authorizer.ts'
import { declarationsWith } from './declarations.ts'
import { guardedSchema } from './guarded-schema.ts'
import { loadableSupergraph } from './loadable-supergraph.ts'
import { readSpecNames } from './security-specs.ts'

export interface GuardedSupergraph {
  /** The supergraph without guards: for the engine, and for nobody who forgets the authorizer. */
  readonly loadableSdl: string
  readonly authorizer: Authorizer
}

/** Returns both halves; a SupergraphRefused tells why a supergraph cannot be enforced. */
export function guardSupergraph(
  sdl: string,
  options: Partial<AuthorizationOptions> = {},
): GuardedSupergraph {
  const settings = { ...defaultAuthorization, ...options }
  const document = parse(sdl, { noLocation: true })
  const names = readSpecNames(document)
  const schema = guardedSchema(document, names, settings)
  return {
    loadableSdl: loadableSupergraph(document, names),
    authorizer: authorizer(schema, settings, declarationsWith(sdl)),
  }
}
