/** What is kept of a reduced operation for the next request. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeAll, expect, test } from '@jest/globals'
import { guardedGraph, ownEngine } from './support/guarded-graph.ts'
import type { GuardedGraph } from './support/guarded-graph.ts'
import { library } from './support/library.ts'

let graph: GuardedGraph

beforeAll(async () => {
  graph = await guardedGraph(library, {}, undefined, ownEngine)
})

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let time = 0; time < 3; time++) {
    await new Promise((later) => setImmediate(later))
    collect()
  }
}

test('the variables of the request are not kept', async () => {
  const compiled = graph.authorizer.compile(
    (await graph.ask('query ($on: Boolean! = true) { open @include(if: $on) secret }')).authorized
      .compiled.document,
  )
  const authorize = () => {
    const variables = { on: true, text: 'large'.repeat(10) }
    const { outcome } = graph.authorizer.authorize(compiled, { claims: null }, variables)
    expect(outcome).toBe('reduced')
    return new WeakRef(variables)
  }
  const variables = authorize()
  await collectGarbage()
  expect(variables.deref()).toBeUndefined()
  expect(graph.authorizer.authorize(compiled, { claims: null }, { on: true }).outcome).toBe(
    'reduced',
  )
})

test('the decisions about an operation end with it, whatever its writer keeps', async () => {
  const ask = async () => {
    const { data, authorized } = await graph.ask('{ decided: open secret }')
    expect(data).toEqual({ decided: 'open', secret: null })
    return new WeakRef(authorized.compiled)
  }
  const compiled = await ask()
  await collectGarbage()
  expect(compiled.deref()).toBeUndefined()
})

test('a decision with very many denied fields has the same shape, and so the same writer, again', async () => {
  const secrets = Array.from({ length: 300 }, (_, index) => `s${index}: secret`).join(' ')
  const { authorized } = await graph.ask(`{ open ${secrets} }`)
  const again = graph.authorizer.authorize(authorized.compiled, { claims: null }, {})
  expect('shape' in authorized && authorized.shape).toBeTruthy()
  expect('shape' in again && again.shape).toBe('shape' in authorized && authorized.shape)
})
