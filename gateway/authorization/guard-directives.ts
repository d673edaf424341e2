/**
 * The guard directives: a closed table. A directive is a row, which has every column or does not compile.
 * To add one, write its file in guards/ and enter it here.
 */
import type { ConstDirectiveNode } from 'graphql'
import { authenticated } from './guards/authenticated.ts'
import type { Credentials, GuardDirective } from './guards/guard-directive.ts'
import { policy } from './guards/policy.ts'
import { requiresScopes } from './guards/requires-scopes.ts'

/** By the kind of their guards, in the order in which a denial names what is missing. */
const table = {
  authenticated,
  scopes: requiresScopes,
  policies: policy,
} satisfies Readonly<Record<string, GuardDirective<object>>>

/** The key of a row; supergraphs carry it in their list of where guards are declared. */
export type GuardKind = keyof typeof table

type ArgumentsOf<Row> = Row extends GuardDirective<infer Arguments> ? Arguments : never

/** What one directive demands of the caller. */
export type Guard = {
  [Kind in GuardKind]: { readonly kind: Kind } & ArgumentsOf<(typeof table)[Kind]>
}[GuardKind]

/** Every kind of guard, in the order of the table. */
export const guardKinds = Object.keys(table) as readonly GuardKind[]

/** The guard that every access token meets. */
export const tokenGuard: Guard = { kind: 'authenticated' }

/** Returns the row of a kind; its functions take the guards of that kind only. */
export function directiveOf(kind: GuardKind): GuardDirective<Guard> {
  const row: GuardDirective<object> = table[kind]
  return row as GuardDirective<Guard>
}

/** Returns the guard that an application of a directive is. */
export function readGuard(
  kind: GuardKind,
  application: ConstDirectiveNode,
  coordinate: string,
): Guard {
  return { ...directiveOf(kind).read(application, coordinate), kind } as Guard
}

/** Returns the same guard for all guards that demand the same. */
export function canonicalGuard(guard: Guard): Guard {
  return { ...directiveOf(guard.kind).canonical(guard), kind: guard.kind } as Guard
}

/** Returns whether a caller meets the guard. */
export function isMet(guard: Guard, credentials: Credentials): boolean {
  return directiveOf(guard.kind).isMet(guard, credentials)
}

/** Returns the policies to be decided before these guards can be, each once. */
export function policiesOf(guards: readonly Guard[]): string[] {
  return [...new Set(guards.flatMap((guard) => directiveOf(guard.kind).policies(guard)))]
}

/** Returns the guard as a person would write it in a schema. */
export function printGuard(guard: Guard): string {
  return directiveOf(guard.kind).print(guard)
}
