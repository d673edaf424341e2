/** What is sent in parts is, put together, what is sent at once; and no request to a subgraph is sent twice. */
import { expect, test } from '@jest/globals'
import { getOperationAST, Kind, print, visit } from 'graphql'
import type {
  DirectiveNode,
  DocumentNode,
  FragmentSpreadNode,
  InlineFragmentNode,
  SelectionSetNode,
} from 'graphql'
import { withoutDefer } from '../../gateway/operations/defer-directive.ts'
import { splitDeferred } from '../../gateway/operations/split-deferred.ts'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { DeliveredData } from '../../gateway/streaming/parted-result.ts'
import { parsed, readResponse } from '../support/response-bytes.ts'
import { composed, federations } from './federations.ts'
import type { Federation } from './federations.ts'
import { randomNumbers, randomOperation } from './random-operation.ts'
import { newState, universe } from './universe.ts'
import type { RequestState } from './universe.ts'

const seeds = 60

test.each(federations.map((federation) => [federation.name, federation] as const))(
  'random operations over %s, with @defer at random places',
  async (_, federation) => {
    const { execute, divide, close, apiSchema } = await engineOf(federation)
    let fragments = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const { document, variables } = randomOperation(apiSchema, { seed })
      const deferring = deferSome(document, randomNumbers(seed))
      const operation = getOperationAST(deferring)!
      if (operation.operation !== 'query') continue
      const whole = withoutDefer(deferring)
      const expected = await execute(whole, variables)
      if (expected.errors.length > 0) continue
      const { first, later } = splitDeferred(deferring, operation, variables)
      const { run, calls } = await divide(whole, variables)
      const result = await run(first)
      let data = parsed(result.data)
      const delivered = new DeliveredData(result)
      for (const { document, path, label } of later) {
        const executed = await run(document)
        const later = { label, path, result: Promise.resolve(executed) }
        for (const placed of delivered.add(later, executed)) {
          fragments++
          expect(placed.errors).toEqual([])
          data = merged(data, placed.path, JSON.parse(placed.data))
        }
      }
      const told = { seed, operation: print(deferring), variables }
      expect({ ...told, data }).toEqual({ ...told, data: parsed(expected.data) })
      expect(new Set(calls).size).toBe(calls.length)
    }
    expect(fragments).toBeGreaterThan(seeds / 2)
    await close()
  },
  120_000,
)

async function engineOf(federation: Federation) {
  const { ask } = universe(federation.subgraphs)
  const native = await nativeExecutor<RequestState>({
    supergraphSdl: composed(federation),
    random: () => 1,
    async fetchSubgraph(subgraph, request, state) {
      const response = await ask(subgraph, JSON.parse(request.body), state)
      return readResponse(request, Buffer.from(JSON.stringify(response)))
    },
  })
  type Variables = Readonly<Record<string, unknown>>
  return {
    apiSchema: native.apiSchema,
    execute: (document: DocumentNode, variables: Variables) =>
      native.execute({ document, variables, context: newState() }),
    async divide(document: DocumentNode, variables: Variables) {
      const { execute } = await native.divide!({ document })
      const context = newState()
      const run = (part: DocumentNode) =>
        execute({ document: part, text: () => print(part), variables, context })
      return { run, calls: context.calls }
    },
    close: () => native.close(),
  }
}

/** Returns the document with `@defer` at some fragments, and some fields in deferred fragments. */
function deferSome(document: DocumentNode, random: () => number): DocumentNode {
  let labels = 0
  const defer = (): DirectiveNode => ({
    kind: Kind.DIRECTIVE,
    name: { kind: Kind.NAME, value: 'defer' },
    arguments: [
      {
        kind: Kind.ARGUMENT,
        name: { kind: Kind.NAME, value: 'label' },
        value: { kind: Kind.STRING, value: `label ${labels++}` },
      },
    ],
  })
  const deferred = <Node extends FragmentSpreadNode | InlineFragmentNode>(node: Node) =>
    random() < 0.5 ? { ...node, directives: [...(node.directives ?? []), defer()] } : undefined
  return visit(document, {
    InlineFragment: deferred,
    FragmentSpread: deferred,
    SelectionSet: {
      leave(set: SelectionSetNode) {
        const { selections } = set
        if (selections.length < 2 || random() < 0.6) return undefined
        const at = Math.floor(random() * selections.length)
        const fragment: InlineFragmentNode = {
          kind: Kind.INLINE_FRAGMENT,
          directives: [defer()],
          selectionSet: { kind: Kind.SELECTION_SET, selections: [selections[at]!] },
        }
        const others = selections.filter((_, index) => index !== at)
        return { ...set, selections: [...others, fragment] }
      },
    },
  })
}

/** Returns the data with a value merged into it, as clients do. */
function merged(data: unknown, [key, ...below]: readonly (string | number)[], value: unknown): any {
  if (key === undefined) return together(data, value)
  const copy: any = Array.isArray(data) ? [...data] : { ...(data as object) }
  copy[key] = merged(copy[key], below, value)
  return copy
}

function together(one: any, other: any): any {
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return other
  const copy: any = Array.isArray(one) ? [...one] : { ...one }
  for (const key of Object.keys(other)) {
    copy[key] = Object.hasOwn(one, key) ? together(one[key], other[key]) : other[key]
  }
  return copy
}
