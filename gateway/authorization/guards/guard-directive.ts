/** What a guard directive has to say of itself: the columns of the table in guard-directives.ts. */
import type { ConstDirectiveNode } from 'graphql'
import type { Claims } from '../../../subgraphs/kit/claims-header.ts'
import type { Alternatives } from '../alternatives.ts'
import type { StepUp, StepUpPolicies } from '../step-up.ts'

/** A caller, reduced to what guards look at. */
export interface Credentials {
  /**
   * Null for an anonymous caller, which does not even satisfy an alternative without a scope. They have
   * only the claims that authentication selects: those in `claims.forward`, and those that
   * authentication/select-claims.ts keeps for authorization.
   */
  readonly claims: Claims | null
  readonly scopes: ReadonlySet<string>
  /** The policies that were decided in favour of this request. */
  readonly policies: ReadonlySet<string>
}

/** `extensions.requires` of a denial: only what this caller lacks. */
export type Requires = Readonly<Record<string, unknown>>

/**
 * One guard directive. `Arguments` is what an application of it says: a guard has them, and `kind`, the
 * key of its row.
 */
export interface GuardDirective<Arguments extends object> {
  /** The name in its specification, `policy` for `@policy`. `@link` may rename it in a schema. */
  readonly name: string
  /** The specification, with the only version of it that is understood. */
  readonly url: string
  /**
   * The argument that is a list of lists of names, if there is one. Composition takes it as it is
   * written, so `npm run compose` first writes it out.
   */
  readonly listArgument: string | undefined
  /** Returns what an application says; throws SupergraphRefused where that cannot be read. */
  read(application: ConstDirectiveNode, coordinate: string): Arguments
  /** Returns the same arguments for all that demand the same. */
  canonical(given: Arguments): Arguments

  /**
   * What decides. `claims` alone: the decision is made once for each access token. `policies`: it is made
   * for each request, and depends on nothing but `Credentials.policies`.
   */
  readonly decidedBy: 'claims' | 'policies'
  /** Returns the policies to be decided before the guard can be. */
  policies(given: Arguments): readonly string[]
  /** Returns whether a caller meets the guard. */
  isMet(given: Arguments, credentials: Credentials): boolean

  /** Returns what the caller lacks to satisfy all of these guards; there is at least one. */
  missing(guards: readonly Arguments[], credentials: Credentials): Requires
  /** Returns the scopes of a token that would meet the guard: a part of the challenge's `scope`. */
  scopes(given: Arguments, credentials: Credentials): readonly string[]
  /** Returns the login with which a known caller would meet the guard, if a login is all it takes. */
  login(given: Arguments, credentials: Credentials, policies: StepUpPolicies): StepUp | undefined
  /** Returns the guard as a person would write it in a schema. */
  print(given: Arguments): string

  /**
   * Returns the requirements of the guard as alternatives of names. By these, a guard on an interface is
   * recognized as the conjunction of those on its implementations, which composition writes there.
   */
  alternatives(given: Arguments): Alternatives
  /** Returns whether every caller that satisfies one guard satisfies the other: `npm run check`. */
  implies(one: Arguments, other: Arguments): boolean
  /** What its names are called when `npm run check` takes one for mistyped; undefined: it has none. */
  readonly names: { readonly noun: string; readonly typo: string } | undefined
}
