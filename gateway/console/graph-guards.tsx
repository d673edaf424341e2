/** The graph: types and fields with their guards, the subgraphs that have them, and ways around guards. */
import { useEffect, useState } from 'preact/hooks'
import type { Explained, RequestExplanation } from './explanations.ts'
import type { Identity } from './identities.ts'
import type { Accounts } from './log-in.ts'
import { messageOf } from './graph.ts'
import { DataTable } from './data-table.tsx'

/** See describe-graph.ts of the gateway. */
interface DescribedGraph {
  readonly types: readonly DescribedType[]
  readonly unguardedPaths: readonly { readonly coordinate: string; readonly message: string }[]
}

interface DescribedType {
  readonly name: string
  readonly description?: string | null
  readonly subgraphs: readonly string[]
  readonly fields: readonly DescribedField[]
}

interface DescribedField {
  readonly name: string
  readonly type: string
  readonly description?: string | null
  readonly guards: readonly string[]
  readonly subgraphs: readonly string[]
}

/** The most fields that are shown at a time: a search finds the others. */
const mostShown = 300

export interface GraphGuardsProps {
  readonly identity: Identity
  readonly accounts: Accounts
  readonly explain: RequestExplanation
}

/** The part "Graph". */
export function GraphGuards({ identity, accounts, explain }: GraphGuardsProps) {
  const [graph, setGraph] = useState<Explained<DescribedGraph> | undefined>(undefined)
  const [search, setSearch] = useState('')
  useEffect(() => {
    let isCurrent = true
    void accounts
      .credentialOf(identity)
      .then((credential) => explain<DescribedGraph>('graph', credential))
      .catch((cause: unknown) => ({ outcome: 'refused', why: messageOf(cause) }) as const)
      .then((explained) => isCurrent && setGraph(explained))
    return () => void (isCurrent = false)
  }, [identity.id])

  if (!graph) return <p class="hint">The gateway describes the graph.</p>
  if (graph.outcome === 'refused') return <p class="problem">{graph.why}</p>
  const { types, unguardedPaths } = graph.value
  const found = types.flatMap((type) => fieldsWith(search, type).map((field) => ({ type, field })))
  return (
    <>
      {unguardedPaths.length > 0 && (
        <>
          <h3>Ways around guards</h3>
          <ul class="problem">
            {unguardedPaths.map(({ message }) => (
              <li key={message}>{message}</li>
            ))}
          </ul>
        </>
      )}
      <label class="search">
        Search types, fields, guards and subgraphs
        <input
          type="search"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </label>
      <p class="hint" role="status">
        {found.length} fields{found.length > mostShown && `, the first ${mostShown} are shown`}
      </p>
      <DataTable
        label="Fields of the graph"
        columns={['Field', 'Type', 'Guards', 'Subgraphs']}
        isTall
      >
        {found.slice(0, mostShown).map(({ type, field }) => (
          <tr key={`${type.name}.${field.name}`}>
            <th scope="row">
              <code>
                {type.name}.{field.name}
              </code>
              {field.description && <small>{field.description}</small>}
            </th>
            <td>
              <code>{field.type}</code>
            </td>
            <td>
              {field.guards.length === 0 ? (
                <small>none</small>
              ) : (
                field.guards.map((guard) => (
                  <code key={guard} class="guard">
                    {guard}
                  </code>
                ))
              )}
            </td>
            <td>{field.subgraphs.join(', ')}</td>
          </tr>
        ))}
      </DataTable>
    </>
  )
}

function fieldsWith(search: string, { name, fields }: DescribedType): readonly DescribedField[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return fields.filter((field) => {
    const text = [`${name}.${field.name}`, field.type, ...field.guards, ...field.subgraphs]
    const all = text.join(' ').toLowerCase()
    return words.every((word) => all.includes(word))
  })
}
