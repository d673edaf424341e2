/** What an operation costs and how large it is, against its limits: see explain-limits.ts and explain-cost.ts of the gateway. */
import { DataTable } from './data-table.tsx'
import type { GraphResult } from './graph-result.ts'

interface Limits {
  readonly operation: readonly Limit[]
  readonly cost: Cost | null
}

interface Limit {
  readonly limit: string
  readonly value: number
  readonly max: number | null
  readonly mode: Mode | null
}

interface Cost {
  readonly estimated: number
  readonly actual: number | null
  readonly max: number | null
  readonly mode: Mode | null
  readonly lists: readonly {
    readonly coordinate: string
    readonly length: number
    readonly by: 'schema' | 'setting'
  }[]
}

type Mode = 'enforce' | 'measure'

/** The names of the limits in gateway.yaml, in words. */
const names: Readonly<Record<string, string>> = {
  root_fields: 'root fields',
  variables_depth: 'depth of the variables',
  variables_size: 'bytes of the variables',
  height: 'different fields',
}

/** Cost and limits of an operation; nothing where the gateway does not explain them. */
export function PlanLimits({ result }: { result: GraphResult }) {
  const limits = result.extensions?.['limits'] as Limits | undefined
  if (!limits) return null
  const { operation, cost } = limits
  return (
    <>
      <h3>Cost and limits</h3>
      <DataTable
        label="Cost and limits of the operation"
        columns={['Measure', 'Operation', 'Limit']}
      >
        {cost && (
          <Row name="estimated cost" value={cost.estimated} max={cost.max} mode={cost.mode} />
        )}
        {cost && cost.actual !== null && (
          <tr>
            <th scope="row">actual cost</th>
            <td>{cost.actual}</td>
            <td>none</td>
          </tr>
        )}
        {operation.map(({ limit, ...measured }) => (
          <Row key={limit} name={names[limit] ?? limit} {...measured} />
        ))}
      </DataTable>
      {cost && cost.lists.length > 0 && (
        <details>
          <summary>List sizes of the estimate</summary>
          <DataTable
            label="List sizes of the estimate"
            columns={['List', 'Elements', 'Because of']}
          >
            {cost.lists.map(({ coordinate, length, by }, at) => (
              <tr key={at}>
                <th scope="row">
                  <code>{coordinate}</code>
                </th>
                <td>{length}</td>
                <td>{by === 'schema' ? '@listSize' : 'limits.cost.list_size'}</td>
              </tr>
            ))}
          </DataTable>
        </details>
      )}
    </>
  )
}

function Row({ name, value, max, mode }: Omit<Limit, 'limit'> & { readonly name: string }) {
  const isBeyond = max !== null && value > max
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class={isBeyond ? 'unmet' : ''}>
        {value}
        {isBeyond && ' (beyond the limit)'}
      </td>
      <td>
        {max ?? 'none'}
        {mode === 'measure' && ' (only reported)'}
      </td>
    </tr>
  )
}
