/** Operations that are hard to plan, because subgraphs share nearly all fields of an entity. */
import { parse } from 'graphql'
import { nativeExecutor } from '../../../gateway/supergraph/native-executor.ts'
import type { Executor } from '../../../gateway/supergraph/executor.ts'
import { nestedOperation, sharedNodes } from '../../../tests/support/shared-nodes.ts'
import { composeInThread } from '../../compose/compose-in-thread.ts'
import { longestStall } from './longest-stall.ts'
import type { Stalled } from './longest-stall.ts'

export interface Row extends Stalled {
  readonly what: string
}

export interface HardOperations {
  readonly rows: readonly Row[]
  /** Resident memory in MB, before and after. */
  readonly memory: { readonly before: number; readonly after: number }
}

const hardOperations = 5

/** Returns how long hard operations take, and how long easy operations wait meanwhile. */
export async function measureHardOperations(): Promise<HardOperations> {
  const planned = await engineOf({ hasOneKey: true })
  const refused = await engineOf({ hasOneKey: false })
  const rows: Row[] = []
  try {
    await prepare(planned, nestedOperation('Warm', 2))
    rows.push({
      what: 'an operation with 128 fields in shared entities is planned',
      ...(await longestStall(() => prepare(planned, nestedOperation('Hard', 7)))),
    })
    await Promise.all([prepare(refused, easy(0)), prepare(refused, nestedOperation('First', 7))])
    const before = residentMemory()
    let waits: Row | undefined
    const all = await longestStall(async () => {
      const hard = Array.from({ length: hardOperations }, (_, index) =>
        prepare(refused, nestedOperation(`Hard${index}`, 7)),
      )
      for (let index = 1; index <= 50; index++) {
        const took = await longestStall(() => prepare(refused, easy(index)))
        if (!waits || took.took > waits.took) {
          waits = { what: 'an easy operation meanwhile, the slowest of 50', ...took }
        }
      }
      await Promise.all(hard)
    })
    rows.push(
      { what: `${hardOperations} operations are refused, one after another`, ...all },
      waits!,
    )
    return { rows, memory: { before, after: residentMemory() } }
  } finally {
    await planned.close()
    await refused.close()
  }
}

async function engineOf(options: { hasOneKey: boolean }): Promise<Executor<never>> {
  const composed = await composeInThread(sharedNodes('http://nodes.test', options))
  if (composed.outcome !== 'composed') throw new Error('the graph does not compose')
  return nativeExecutor<never>({
    supergraphSdl: composed.sdl,
    fetchSubgraph: () => Promise.reject(new Error('nothing is executed')),
  })
}

/** Resolves when the operation is planned or refused. */
async function prepare(engine: Executor<never>, text: string): Promise<void> {
  await engine.prepare({ document: parse(text) }).catch(() => {})
}

/** Returns an operation that is so long that a thread plans it. */
function easy(index: number): string {
  const aliases = Array.from({ length: 150 }, (_, alias) => `anotherName${alias}: f1`)
  return `query Easy${index} { node { ${aliases.join(' ')} } }`
}

function residentMemory(): number {
  return process.memoryUsage().rss / 1024 / 1024
}
