/** Random valid operations over a schema: the same seed, the same operation. */
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
} from 'graphql'
import type {
  DocumentNode,
  GraphQLArgument,
  GraphQLCompositeType,
  GraphQLField,
  GraphQLInputType,
  GraphQLSchema,
} from 'graphql'

export interface RandomOperation {
  readonly text: string
  readonly document: DocumentNode
  readonly variables: Record<string, unknown>
}

export interface RandomOperationOptions {
  readonly seed: number
  /** Response names that aliases must not take, and fields that get no arguments. */
  readonly reserved?: readonly string[]
  /** More names for aliases. */
  readonly aliases?: readonly string[]
  /** The most fields, about. */
  readonly size?: number
  /** Whether it is a subscription, which has one root field. */
  readonly subscribes?: boolean
}

/** Mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296
  }
}

/** Returns the operation of a seed; what would not be valid is drawn again. */
export function randomOperation(
  schema: GraphQLSchema,
  { seed, reserved = [], aliases = [], size = 24, subscribes = false }: RandomOperationOptions,
): RandomOperation {
  for (let attempt = 0; ; attempt++) {
    const operation = draw(
      schema,
      randomNumbers(seed * 7919 + attempt * 104729),
      reserved,
      aliases,
      size,
      subscribes,
    )
    if (validate(schema, operation.document).length === 0) return operation
    if (attempt > 200) throw new Error(`no valid operation for seed ${seed}`)
  }
}

function draw(
  schema: GraphQLSchema,
  random: () => number,
  reserved: readonly string[],
  aliases: readonly string[],
  size: number,
  subscribes: boolean,
): RandomOperation {
  const variables: Record<string, unknown> = {}
  const definitions: string[] = []
  const fragments: string[] = []
  let budget = 3 + Math.floor(random() * size)

  const chance = (probability: number) => random() < probability
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!

  const mutation = subscribes ? undefined : schema.getMutationType()
  const kind = subscribes ? 'subscription' : mutation && chance(0.12) ? 'mutation' : 'query'
  const root = {
    query: schema.getQueryType(),
    mutation,
    subscription: schema.getSubscriptionType(),
  }[kind]!
  const set = subscribes
    ? `{ ${field(pick(Object.values(root.getFields())), 0)} }`
    : selectionSet(root, 0)
  const head = definitions.length > 0 ? `(${definitions.join(', ')})` : ''
  const text = [`${kind} Random${head} ${set}`, ...fragments].join('\n')
  return { text, document: parse(text), variables }

  function selectionSet(type: GraphQLCompositeType, depth: number): string {
    const count = 1 + Math.floor(random() * (depth === 0 ? 3 : 4))
    const selections: string[] = []
    for (let index = 0; index < count; index++) selections.push(selection(type, depth))
    return `{ ${selections.join(' ')} }`
  }

  function selection(type: GraphQLCompositeType, depth: number): string {
    budget--
    if (chance(0.05)) return `__typename${directives()}`
    if (chance(0.03)) return `${pick(['t', 'kind2'])}: __typename`
    const wantsFragment = !('getFields' in type) || chance(isAbstractType(type) ? 0.5 : 0.12)
    if (wantsFragment && (budget > 0 || depth < 5) && depth < 9) return fragment(type, depth)
    if (!('getFields' in type)) return '__typename'
    const fields = Object.values(type.getFields())
    const leaves = fields.filter((one) => isLeafType(getNamedType(one.type)))
    const useLeaf = (budget < 0 || depth > 7 || chance(0.35)) && leaves.length > 0
    if (!useLeaf && (depth > 9 || budget < -8)) return '__typename'
    return field(pick(useLeaf ? leaves : fields), depth)
  }

  function field(definition: GraphQLField<unknown, unknown>, depth: number): string {
    const named = getNamedType(definition.type)
    const given = definition.args.flatMap((argument) => {
      const needed = isNonNullType(argument.type) && argument.defaultValue === undefined
      const wanted = needed || (!reserved.includes(definition.name) && chance(0.5))
      return wanted ? [`${argument.name}: ${argumentValue(argument)}`] : []
    })
    const alias =
      given.length > 0 || chance(0.15)
        ? `${pick(['one', 'two', 'six', definition.name + '2', ...aliases])}: `
        : ''
    const call = given.length > 0 ? `(${given.join(', ')})` : ''
    const inner = isCompositeType(named) ? ` ${selectionSet(named, depth + 1)}` : ''
    const conditions = subscribes && depth === 0 ? '' : directives()
    return `${alias}${definition.name}${call}${conditions}${inner}`
  }

  function fragment(type: GraphQLCompositeType, depth: number): string {
    const condition = pick([type, ...fittingTypes(type)])
    const inner = selectionSet(condition, depth + 0.5)
    if (chance(0.25)) {
      const name = `F${fragments.length}`
      fragments.push(`fragment ${name} on ${condition.name} ${inner}`)
      return `...${name}${directives()}`
    }
    return condition === type && chance(0.3)
      ? `...${directives()} ${inner}`
      : `... on ${condition.name}${directives()} ${inner}`
  }

  /** Types of which some object may also be one of this type. */
  function fittingTypes(type: GraphQLCompositeType): GraphQLCompositeType[] {
    const own = possible(type)
    return Object.values(schema.getTypeMap()).filter(
      (other): other is GraphQLCompositeType =>
        isCompositeType(other) &&
        !other.name.startsWith('__') &&
        other !== schema.getQueryType() &&
        possible(other).some((name) => own.includes(name)),
    )
  }

  function possible(type: GraphQLCompositeType): string[] {
    return isObjectType(type) ? [type.name] : schema.getPossibleTypes(type).map(({ name }) => name)
  }

  function directives(): string {
    if (!chance(0.08)) return ''
    const name = pick(['skip', 'include'])
    if (chance(0.3)) return ` @${name}(if: ${chance(0.5)})`
    const variable = pick(['yes', 'no', 'byDefault'])
    if (!definitions.some((definition) => definition.startsWith(`$${variable}:`))) {
      definitions.push(`$${variable}: Boolean${variable === 'byDefault' ? ' = true' : '!'}`)
      if (variable !== 'byDefault') variables[variable] = variable === 'yes'
    }
    return ` @${name}(if: $${variable})`
  }

  function argumentValue({ type }: GraphQLArgument): string {
    if (!chance(0.4)) return literal(type, 0)
    const name = `v${definitions.length}`
    definitions.push(`$${name}: ${String(type)}`)
    variables[name] = JSON.parse(json(type, 0)) as unknown
    return `$${name}`
  }

  function literal(type: GraphQLInputType, depth: number): string {
    return json(type, depth, true)
  }

  /** A value as JSON text, or as GraphQL text, where names and enum values have no quotes. */
  function json(type: GraphQLInputType, depth: number, asGraphql = false): string {
    if (isNonNullType(type)) return json(type.ofType, depth, asGraphql)
    if (isListType(type)) {
      const length = Math.floor(random() * 3)
      return `[${Array.from({ length }, () => json(type.ofType, depth + 1, asGraphql)).join(', ')}]`
    }
    if (isEnumType(type)) {
      const { name } = pick(type.getValues())
      return asGraphql ? name : `"${name}"`
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(
        (one) => isNonNullType(one.type) || (depth < 2 && chance(0.5)),
      )
      const entries = fields.map(
        (one) =>
          `${asGraphql ? one.name : `"${one.name}"`}: ${json(one.type, depth + 1, asGraphql)}`,
      )
      return `{ ${entries.join(', ')} }`
    }
    switch (type.name) {
      case 'Int':
        return String(Math.floor(random() * 4))
      case 'Float':
        return String(Math.floor(random() * 40) / 8)
      case 'Boolean':
        return String(chance(0.5))
      default:
        return `"${pick(['id#1', 'id#2', 'text "quoted"', 'ünï'])}"`.replace(
          /"text "quoted""/,
          '"text \\"quoted\\""',
        )
    }
  }
}
