/** The documentation of the schema that an identity may read: from the root types to each type that they lead to. */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isUnionType,
} from 'graphql'
import type { GraphQLField, GraphQLNamedType, GraphQLSchema, GraphQLType } from 'graphql'
import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { ReadSchema } from './schema-of.ts'
import { useChange } from './use-change.ts'

export interface DocumentationProps {
  /** Of the identity. */
  readonly name: string
  readonly schema: ReadSchema | undefined
}

/** The most types that are listed at a time: a search finds the others. */
const mostListed = 200

/** How far one can go back. */
const longestTrail = 50

/** The part "Documentation". */
export function Documentation({ name, schema }: DocumentationProps) {
  if (!schema) return <p class="hint">The gateway describes the schema.</p>
  if (schema.outcome === 'refused') {
    return (
      <p class="problem">
        {name} may not read the schema. {schema.why}
      </p>
    )
  }
  return <Types name={name} schema={schema.schema} />
}

function Types({ name, schema }: { name: string; schema: GraphQLSchema }) {
  /** The names of the types that were opened, the last one last; none for the list of all. */
  const [trail, setTrail] = useState<readonly string[]>([])
  const [search, setSearch] = useState('')
  const heading = useRef<HTMLHeadingElement>(null)
  // The button that was pressed is gone.
  useChange(trail.join(' '), () => heading.current?.focus())
  const open = (type: string) => setTrail([...trail, type].slice(-longestTrail))
  const [opened] = trail.slice(-1)
  const type = opened === undefined ? undefined : schema.getType(opened)

  if (opened === undefined) {
    const found = typesWith(search, schema)
    return (
      <>
        <h3 ref={heading} tabIndex={-1}>
          What {name} may ask for
        </h3>
        <label class="search">
          Search types and their fields
          <input
            type="search"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <p class="hint" role="status">
          {found.length} types
          {found.length > mostListed && `, the first ${mostListed} are shown`}
        </p>
        <ul class="types">
          {found.slice(0, mostListed).map((each) => (
            <li key={each.name}>
              <TypeButton type={each} onOpen={open} /> <small>{each.description}</small>
            </li>
          ))}
        </ul>
      </>
    )
  }
  return (
    <>
      <p class="actions">
        <button type="button" onClick={() => setTrail(trail.slice(0, -1))}>
          Back to {trail.at(-2) ?? 'all types'}
        </button>
      </p>
      <h3 ref={heading} tabIndex={-1}>
        <code>{opened}</code>
      </h3>
      {type ? (
        <TypeDocumentation type={type} schema={schema} onOpen={open} />
      ) : (
        <p>{name} may not see this type.</p>
      )}
    </>
  )
}

interface TypeDocumentationProps {
  readonly type: GraphQLNamedType
  readonly schema: GraphQLSchema
  readonly onOpen: (type: string) => void
}

function TypeDocumentation({ type, schema, onOpen }: TypeDocumentationProps) {
  const fields = isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
  const members = isUnionType(type) || isInterfaceType(type) ? schema.getPossibleTypes(type) : []
  return (
    <>
      {type.description && <p>{type.description}</p>}
      {members.length > 0 && (
        <ul class="types" aria-label="Possible types">
          {members.map((member) => (
            <li key={member.name}>
              <TypeButton type={member} onOpen={onOpen} />
            </li>
          ))}
        </ul>
      )}
      <dl class="documented">
        {fields &&
          Object.values(type.getFields()).map((field) => (
            <Documented key={field.name} {...field}>
              <code>{field.name}</code>
              {'args' in field && <Arguments field={field} onOpen={onOpen} />}{' '}
              <TypeButton type={field.type} onOpen={onOpen} />
            </Documented>
          ))}
        {isEnumType(type) &&
          type.getValues().map((value) => (
            <Documented key={value.name} {...value}>
              <code>{value.name}</code>
            </Documented>
          ))}
      </dl>
    </>
  )
}

interface DocumentedProps {
  readonly description?: string | null | undefined
  readonly deprecationReason?: string | null | undefined
  readonly children: ComponentChildren
}

function Documented({ description, deprecationReason, children }: DocumentedProps) {
  return (
    <>
      <dt>{children}</dt>
      <dd>
        {description}
        {deprecationReason && <span class="problem">Deprecated: {deprecationReason}</span>}
      </dd>
    </>
  )
}

interface ArgumentsProps {
  readonly field: GraphQLField<unknown, unknown>
  readonly onOpen: (type: string) => void
}

function Arguments({ field: { args }, onOpen }: ArgumentsProps) {
  if (args.length === 0) return null
  return (
    <ul class="arguments">
      {args.map(({ name, type, description }) => (
        <li key={name}>
          <code>{name}</code> <TypeButton type={type} onOpen={onOpen} />{' '}
          <small>{description}</small>
        </li>
      ))}
    </ul>
  )
}

/** A type as it is written in a schema; its button opens the documentation of the type in it. */
function TypeButton({ type, onOpen }: { type: GraphQLType; onOpen: (type: string) => void }) {
  return (
    <button type="button" class="type" onClick={() => onOpen(getNamedType(type).name)}>
      {String(type)}
    </button>
  )
}

/** Returns the types with all words of a search in their names or their fields' names, the root types first. */
function typesWith(search: string, schema: GraphQLSchema): readonly GraphQLNamedType[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  const first = roots.filter((type) => type != null)
  const others = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type) && !first.some(({ name }) => name === type.name))
    .toSorted((one, other) => one.name.localeCompare(other.name))
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return [...first, ...others].filter((type) => {
    const fields = 'getFields' in type ? Object.keys(type.getFields()) : []
    const text = [type.name, ...fields].join(' ').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
