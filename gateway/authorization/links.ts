/** The specifications that a schema uses, by the names under which it uses them (link v1.0). */
import { Kind } from 'graphql'
import type { ConstDirectiveNode, ConstValueNode, DocumentNode } from 'graphql'
import { SupergraphRefused } from './supergraph-refused.ts'

/** One application of `@link`. */
export interface Link {
  readonly node: ConstDirectiveNode
  readonly url: string
  /** The prefix of the names that are not imported: `federation` in `@federation__key`. */
  readonly prefix: string
  /** Names with their `@`; `as` is the name in this schema. */
  readonly imports: readonly { readonly name: string; readonly as: string }[]
}

/** Returns every application of `@link` (or of its ancestor `@core`), whatever it is called here. */
export function readLinks(document: DocumentNode): Link[] {
  return schemaDirectives(document).flatMap((node) => {
    const url = stringOf(argument(node, 'url') ?? argument(node, 'feature'))
    if (url === undefined) return []
    const prefix = stringOf(argument(node, 'as')) ?? nameInUrl(url)
    return [{ node, url, prefix, imports: importsOf(node) }]
  })
}

/** Returns the directives of the schema itself. */
export function schemaDirectives(document: DocumentNode): ConstDirectiveNode[] {
  return document.definitions.flatMap((definition) =>
    definition.kind === Kind.SCHEMA_DEFINITION || definition.kind === Kind.SCHEMA_EXTENSION
      ? [...(definition.directives ?? [])]
      : [],
  )
}

/** Returns the names that a directive of a linked specification has in the schema. */
export function namesOf(directive: string, { url, prefix, imports }: Link): string[] {
  const imported = imports.filter(({ name }) => name === `@${directive}`)
  const names = [`${prefix}__${directive}`, ...imported.map(({ as }) => as.slice(1))]
  // Without an import, the name of the link is that of the directive that has the name of its spec.
  return imported.length === 0 && nameInUrl(url) === directive ? [...names, prefix] : names
}

/** `https://specs.apollo.dev/authenticated/v0.1` -> the part before the version, and the version. */
export function splitUrl(text: string): { identity: string; version: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const path = url ? `${url.origin}${url.pathname}` : text
  const slash = path.lastIndexOf('/')
  return { identity: path.slice(0, slash), version: path.slice(slash + 1) }
}

function nameInUrl(url: string): string {
  const { identity } = splitUrl(url)
  return identity.slice(identity.lastIndexOf('/') + 1)
}

/** `import: ["@policy", { name: "@authenticated", as: "@loggedIn" }]` */
function importsOf(link: ConstDirectiveNode): { name: string; as: string }[] {
  const list = argument(link, 'import')
  if (list === undefined || list.kind === Kind.NULL) return []
  const entries = list.kind === Kind.LIST ? list.values : [list]
  return entries.map((entry) => {
    const name = stringOf(entry.kind === Kind.OBJECT ? member(entry, 'name') : entry)
    const as = stringOf(entry.kind === Kind.OBJECT ? member(entry, 'as') : entry) ?? name
    if (name !== undefined && as !== undefined && name.startsWith('@') === as.startsWith('@')) {
      return { name, as }
    }
    throw new SupergraphRefused('a @link has an import that cannot be read')
  })
}

/** Returns the value of a field of an input object. */
export function member(value: ConstValueNode, name: string): ConstValueNode | undefined {
  if (value.kind !== Kind.OBJECT) return undefined
  return value.fields.find((field) => field.name.value === name)?.value
}

/** Returns the value of an argument of a directive. */
export function argument(directive: ConstDirectiveNode, name: string): ConstValueNode | undefined {
  return directive.arguments?.find((candidate) => candidate.name.value === name)?.value
}

/** Returns the string that a value is; undefined for any other value. */
export function stringOf(value: ConstValueNode | undefined): string | undefined {
  return value?.kind === Kind.STRING ? value.value : undefined
}
