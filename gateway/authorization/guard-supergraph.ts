/**
 * A supergraph whose guards are enforced. One step makes both the SDL that an executor loads and the
 * enforcer, so that neither exists without the other.
 */
import { parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import { runToCompletion } from '../slices.ts'
import type { Slices } from '../slices.ts'
import { defaultAuthorization } from './authorization-options.ts'
import type { AuthorizationOptions } from './authorization-options.ts'
import { authorizer } from './authorizer.ts'
import type { Authorizer } from './authorizer.ts'
import { declarationsWith } from './declarations.ts'
import { guardedSchema } from './guarded-schema.ts'
import { loadableSupergraph } from './loadable-supergraph.ts'
import { readSpecNames } from './security-specs.ts'

/** The two parts of a supergraph: the SDL for the executor, and the authorizer that enforces its guards. */
export interface GuardedSupergraph {
  /** The supergraph without guards, for the executor. The authorizer must be used with it. */
  readonly loadableSdl: string
  readonly authorizer: Authorizer
}

/** Returns both halves; throws SupergraphRefused where a supergraph cannot be enforced. */
export function guardSupergraph(
  sdl: string,
  options: Partial<AuthorizationOptions> = {},
): GuardedSupergraph {
  const document = parse(sdl, { noLocation: true })
  return runToCompletion(guardSupergraphInSlices({ sdl, document }, options))
}

/** The same of a supergraph that is parsed already, while others are served. */
export function* guardSupergraphInSlices(
  { sdl, document }: { readonly sdl: string; readonly document: DocumentNode },
  options: Partial<AuthorizationOptions> = {},
): Slices<GuardedSupergraph> {
  const settings = { ...defaultAuthorization, ...options }
  const names = readSpecNames(document)
  const schema = yield* guardedSchema(document, names, settings)
  return {
    loadableSdl: yield* loadableSupergraph(document, names),
    authorizer: authorizer(schema, settings, declarationsWith(sdl)),
  }
}
