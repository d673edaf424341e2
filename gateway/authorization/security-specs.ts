/**
 * Under which names a supergraph uses the directives that this stage understands: `@link` may rename
 * them, and a directive of the same name from another URL is not ours.
 */
import type { ConstDirectiveNode, DocumentNode } from 'graphql'
import {
  argument,
  member,
  namesOf,
  readLinks,
  schemaDirectives,
  splitUrl,
  stringOf,
} from './links.ts'
import { directiveOf, guardKinds } from './guard-directives.ts'
import type { GuardKind } from './guard-directives.ts'
import type { Link } from './links.ts'
import { SupergraphRefused } from './supergraph-refused.ts'

/** What a directive of one of the specifications does: it guards, or it is `@public`. */
export type DirectiveMeaning = GuardKind | 'public'

/** Our own specification: `@public` lifts `authorization.default: deny` from a field or type. */
export const publicSpecUrl = 'https://portcullis.dev/authorization/v0.1'

interface Spec {
  readonly name: string
  readonly url: string
  readonly meaning: DirectiveMeaning
}

const guardSpecs = guardKinds.map((meaning): Spec => ({ ...directiveOf(meaning), meaning }))
const specs: readonly Spec[] = [
  ...guardSpecs,
  { name: 'public', url: publicSpecUrl, meaning: 'public' },
]

/** The names in a supergraph that belong to the specifications of this stage. */
export interface SpecNames {
  /** The directives by the names they have in this supergraph. */
  readonly directives: ReadonlyMap<string, DirectiveMeaning>
  /** Whether a definition belongs to one of the specifications: their scalars, their directives. */
  readonly owns: (definitionName: string) => boolean
  /**
   * Returns the specification that a directive seems to be of, by its URL, when it has the name of a guard
   * and no `@link` says to which specification it belongs.
   */
  readonly unlinked: (directiveName: string) => string | undefined
  /** The `@link` applications of the specifications. */
  readonly links: ReadonlySet<ConstDirectiveNode>
}

/** Returns the names in use. A version that is not known is refused: its rules could be others. */
export function readSpecNames(document: DocumentNode): SpecNames {
  refuseHiddenLinks(document)
  const all = readLinks(document)
  const links = all.flatMap((link) => {
    const spec = specOf(link.url)
    return spec ? [{ spec, ...link }] : []
  })
  const directives = new Map(
    links.flatMap(({ spec, ...link }) =>
      namesOf(spec.name, link).map((name) => [name, spec.meaning] as const),
    ),
  )
  const imported = new Set(links.flatMap(({ imports }) => imports.map(({ as }) => as)))

  return {
    directives,
    unlinked(name) {
      const spec = guardSpecs.find((each) => each.name === name)
      return spec && !all.some((link) => bringsIn(link, name)) ? spec.url : undefined
    },
    links: new Set(links.map(({ node }) => node)),
    owns: (name) =>
      directives.has(name) ||
      imported.has(name) ||
      links.some(({ prefix }) => name.startsWith(`${prefix}__`)),
  }
}

/** Whether a link brings a directive of that name into the schema, from wherever it is. */
function bringsIn({ prefix, imports }: Link, directiveName: string): boolean {
  return prefix === directiveName || imports.some(({ as }) => as === `@${directiveName}`)
}

function specOf(url: string): Spec | undefined {
  const { identity, version } = splitUrl(url)
  const known = specs.find((spec) => spec.url === `${identity}/${version}`)
  if (known) return known
  const namesake = specs.find((spec) =>
    `${identity}/`.startsWith(`${splitUrl(spec.url).identity}/`),
  )
  if (namesake === undefined) return undefined
  throw new SupergraphRefused(
    `it links ${url}, but of that specification only ${splitUrl(namesake.url).version} is known: ` +
      'compose it for a version that this gateway enforces, or update the gateway',
  )
}

/** Composition can carry a link of one subgraph as @join__directive: there it would go unseen. */
function refuseHiddenLinks(document: DocumentNode): void {
  for (const directive of schemaDirectives(document)) {
    const args = argument(directive, 'args')
    const url = args && stringOf(member(args, 'url'))
    if (url === undefined || specOf(url) === undefined) continue
    throw new SupergraphRefused(
      `it links ${url} through @${directive.name.value}: compose it so that @link names it`,
    )
  }
}
