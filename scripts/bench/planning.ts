/**
 * `npm run bench -- planning`: how long others have to wait while a supergraph of 50 subgraphs is taken up and
 * large operations over it are planned: the longest time that the event loop did not turn.
 *
 *   --subgraphs N   how many (default 50)
 */
import { parseArgs } from 'node:util'
import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'
import { guardSupergraph } from '../../gateway/authorization/guard-supergraph.ts'
import { nativeEngine } from '../../gateway/native-engine.ts'

const typesOfEach = 4

/** Each subgraph has types of its own, extends those of the next, and leads there. */
function subgraph(index: number, count: number): string {
  const next = (index + 1) % count
  const types = Array.from({ length: typesOfEach }, (_, type) => {
    const name = `T${index}_${type}`
    const other = `T${next}_${type}`
    return `
      type ${name} @key(fields: "id") { id: ID! name: String size(unit: String): Int next: ${other} }
      type ${other} @key(fields: "id") { id: ID! seenBy${index}: String }`
  })
  return `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { all${index}: [T${index}_0!]! one${index}(id: ID!): T${index}_1 }
    ${types.join('')}`
}

function largeOperation(count: number): string {
  const hop = (index: number, depth: number): string =>
    depth === 0
      ? 'id'
      : `id name size next { seenBy${index} ${hop((index + 1) % count, depth - 1)} }`
  const roots = Array.from(
    { length: Math.min(count, 12) },
    (_, index) => `all${index} { ${hop(index, 6)} }`,
  )
  return `{ ${roots.join(' ')} }`
}

interface Row {
  readonly what: string
  readonly took: number
  readonly longestStall: number
}

async function measured(what: string, act: () => unknown): Promise<Row> {
  let longestStall = 0
  let last = performance.now()
  const turn = () => {
    const now = performance.now()
    longestStall = Math.max(longestStall, now - last)
    last = now
  }
  const turning = setInterval(turn, 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  longestStall = 0
  const start = performance.now()
  await act()
  const took = performance.now() - start
  await new Promise((resolve) => setTimeout(resolve, 20))
  clearInterval(turning)
  return { what, took, longestStall }
}

/** Runs the benchmark and prints its table. */
export async function main(): Promise<void> {
  const { values } = parseArgs({ options: { subgraphs: { type: 'string', default: '50' } } })
  const count = Number(values.subgraphs)
  const { supergraphSdl, errors } = composeServices(
    Array.from({ length: count }, (_, index) => ({
      name: `s${index}`,
      url: `http://s${index}.test`,
      typeDefs: parse(subgraph(index, count)),
    })),
  )
  if (supergraphSdl === undefined) throw new Error(errors?.map(String).join('\n'))
  const fetchSubgraph = () => Promise.reject(new Error('nothing is executed'))
  const document = parse(largeOperation(count))

  const rows: Row[] = []
  const engineOf = (planningThread: 'when large' | undefined) => {
    const { loadableSdl } = guardSupergraph(supergraphSdl)
    return nativeEngine({
      supergraphSdl: loadableSdl,
      fetchSubgraph,
      ...(planningThread ? { planningThread } : {}),
    })
  }
  for (const thread of ['when large', undefined] as const) {
    const how = thread ? 'on its thread' : 'without a thread'
    let engine: ReturnType<typeof engineOf> | undefined
    rows.push(await measured(`a supergraph is taken up, ${how}`, () => (engine = engineOf(thread))))
    rows.push(
      await measured(`a large operation is planned, ${how}`, () => engine!.prepare({ document })),
    )
    await engine!.close()
  }

  const size = Math.round(supergraphSdl.length / 1024)
  console.log(`${count} subgraphs, a supergraph of ${size} KB; milliseconds\n`)
  console.log('| what | took | longest stall of the event loop |\n|---|---|---|')
  for (const { what, took, longestStall } of rows) {
    console.log(`| ${what} | ${took.toFixed(0)} | ${longestStall.toFixed(0)} |`)
  }
}
