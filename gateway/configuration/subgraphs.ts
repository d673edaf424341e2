import { z } from 'zod'
import { duration, wholeNumber } from './values.ts'

const subgraphSchema = z.strictObject({
  timeout: duration({ least: '10ms', most: '10m' })
    .optional()
    .describe('The longest a call may take until its last byte (default 10s)'),
  connections: wholeNumber({ least: 1, most: 10_000 })
    .optional()
    .describe('How many connections are kept to one subgraph at most (default 100)'),
  subgraph_errors: z
    .enum(['redact', 'expose'])
    .optional()
    .describe("Whether clients see the subgraph's own error messages (default redact)"),
})

/** How subgraphs are called: `all` for every one, an entry by name for what differs. */
export const subgraphsSchema = z
  .record(z.string().min(1), subgraphSchema)
  .default({})
  .describe('How subgraphs are called: `all`, and by name what differs')

export interface SubgraphSettings {
  /** The longest a call may take until its last byte, in milliseconds. */
  readonly timeout: number
  /** How many connections are kept to one subgraph at most. */
  readonly connections: number
  /** Whether clients see the subgraph's own error messages. */
  readonly errors: 'redact' | 'expose'
}

/** Returns the settings of one subgraph: its own, else those of `all`, else the defaults. */
export function subgraphSettings(
  subgraphs: z.output<typeof subgraphsSchema>,
  name: string,
): SubgraphSettings {
  const own = Object.hasOwn(subgraphs, name) ? subgraphs[name] : undefined
  const all = Object.hasOwn(subgraphs, 'all') ? subgraphs['all'] : undefined
  return {
    timeout: own?.timeout ?? all?.timeout ?? 10_000,
    connections: own?.connections ?? all?.connections ?? 100,
    errors: own?.subgraph_errors ?? all?.subgraph_errors ?? 'redact',
  }
}
