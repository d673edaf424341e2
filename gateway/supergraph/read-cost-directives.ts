/** `@cost` and `@listSize` in a supergraph, under the names that its links give them. */
import { Kind, valueFromASTUntyped } from 'graphql'
import type {
  ConstDirectiveNode,
  DocumentNode,
  FieldDefinitionNode,
  InputValueDefinitionNode,
} from 'graphql'
import { argument, namesOf, readLinks, splitUrl } from '../authorization/links.ts'
import { SupergraphRefused } from '../authorization/supergraph-refused.ts'
import { parseFieldSet } from '../graphql/field-set.ts'
import type {
  CostDirectives,
  FieldDirectives,
  ListSize,
  SizedFields,
} from '../operations/cost/cost-directives.ts'
import type { Slices } from '../slices.ts'

const specification = { identity: 'https://specs.apollo.dev/cost', version: 'v0.1' }

type Directives = readonly ConstDirectiveNode[] | undefined

/** Returns what the supergraph says; throws SupergraphRefused for a version that is not known. */
export function* readCostDirectives(supergraph: DocumentNode): Slices<CostDirectives> {
  const names = namesIn(supergraph)
  const types = new Map<string, number>()
  const fields = new Map<string, FieldDirectives>()
  const inputFields = new Map<string, number>()
  let hasNegative = false

  for (const definition of supergraph.definitions) {
    yield
    if (!('name' in definition) || !definition.name) continue
    const name = definition.name.value
    switch (definition.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_DEFINITION:
        keepWeight(types, name, definition.directives)
        for (const field of definition.fields ?? []) keepField(`${name}.${field.name.value}`, field)
        break
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
        for (const field of definition.fields ?? []) {
          keepWeight(inputFields, `${name}.${field.name.value}`, field.directives)
        }
        break
      case Kind.ENUM_TYPE_DEFINITION:
      case Kind.SCALAR_TYPE_DEFINITION:
        keepWeight(types, name, definition.directives)
    }
  }
  return { types, fields, inputFields, hasNegative }

  function keepWeight(weights: Map<string, number>, name: string, directives: Directives): void {
    const weight = weightIn(directives, name)
    if (weight !== undefined) weights.set(name, weight)
  }

  function keepField(coordinate: string, field: FieldDefinitionNode): void {
    const weight = weightIn(field.directives, coordinate)
    const listSize = listSizeIn(field.directives, coordinate)
    const ofArguments = new Map<string, number>()
    for (const one of field.arguments ?? []) keepArgument(ofArguments, coordinate, one)
    if (weight === undefined && !listSize && ofArguments.size === 0) return
    fields.set(coordinate, { weight, listSize, arguments: ofArguments })
  }

  function keepArgument(
    weights: Map<string, number>,
    field: string,
    { name, directives }: InputValueDefinitionNode,
  ): void {
    const weight = weightIn(directives, `${field}(${name.value}:)`)
    if (weight !== undefined) weights.set(name.value, weight)
  }

  /** IBM's specification has a text where Apollo's has an integer. */
  function weightIn(directives: Directives, coordinate: string): number | undefined {
    const cost = directives?.find(({ name }) => names.cost.has(name.value))
    if (!cost) return undefined
    const weight = Number(valueOf(cost, 'weight') ?? NaN)
    if (!Number.isFinite(weight)) throw unreadable(coordinate, 'the weight of @cost', 'a number')
    if (weight < 0) hasNegative = true
    return weight
  }

  function listSizeIn(directives: Directives, coordinate: string): ListSize | undefined {
    const found = directives?.find(({ name }) => names.listSize.has(name.value))
    if (!found) return undefined
    const assumedSize = valueOf(found, 'assumedSize') ?? undefined
    if (assumedSize !== undefined && !Number.isInteger(assumedSize)) {
      throw unreadable(coordinate, 'the assumedSize of @listSize', 'a whole number')
    }
    return {
      assumedSize: assumedSize as number | undefined,
      slicingArguments: textsIn(found, 'slicingArguments').map((path) => path.split('.')),
      sizedFields: sizedFieldsIn(textsIn(found, 'sizedFields'), coordinate),
      requireOneSlicingArgument: valueOf(found, 'requireOneSlicingArgument') !== false,
    }
  }
}

/** Composition imports only those names that differ from the specification's: `@cost` needs no import. */
function namesIn(supergraph: DocumentNode) {
  const links = readLinks(supergraph).filter(({ url }) => {
    const { identity, version } = splitUrl(url)
    if (identity !== specification.identity) return false
    if (version === specification.version) return true
    throw new SupergraphRefused(
      `it links ${url}, but of that specification only ${specification.version} is known: ` +
        'compose it for that version, remove limits.cost, or update the gateway',
    )
  })
  const named = (directive: string) => new Set(links.flatMap((link) => namesOf(directive, link)))
  return { cost: named('cost'), listSize: named('listSize') }
}

function valueOf(directive: ConstDirectiveNode, name: string): unknown {
  const value = argument(directive, name)
  return value && valueFromASTUntyped(value)
}

function textsIn(directive: ConstDirectiveNode, name: string): string[] {
  const value = valueOf(directive, name) ?? []
  return (Array.isArray(value) ? value : [value]).map(String)
}

/** `["edges"]`, or a path to a list: `["results { page }"]`, `["results.page"]`. */
function sizedFieldsIn(texts: readonly string[], coordinate: string): SizedFields | undefined {
  if (texts.length === 0) return undefined
  const fields = new Map<string, SizedFields | 'list'>()
  for (const text of texts) {
    try {
      addSizedFields(fields, parseFieldSet(asFieldSet(text)))
    } catch {
      throw unreadable(coordinate, 'a sizedField of @listSize', 'a field, or a path to one')
    }
  }
  return fields
}

function asFieldSet(text: string): string {
  const steps = text.split('.')
  return `${steps.join(' { ')}${' }'.repeat(steps.length - 1)}`
}

function addSizedFields(
  fields: Map<string, SizedFields | 'list'>,
  { selections }: ReturnType<typeof parseFieldSet>,
): void {
  for (const selection of selections) {
    if (selection.kind !== Kind.FIELD) throw new Error('not a field')
    const { name, selectionSet } = selection
    if (!selectionSet) {
      fields.set(name.value, 'list')
      continue
    }
    const known = fields.get(name.value)
    const inner = new Map<string, SizedFields | 'list'>(typeof known === 'object' ? known : [])
    addSizedFields(inner, selectionSet)
    fields.set(name.value, inner)
  }
}

function unreadable(coordinate: string, what: string, expected: string): SupergraphRefused {
  return new SupergraphRefused(`${what} of ${coordinate} is not ${expected}`)
}
