import { afterAll, expect, test } from '@jest/globals'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { answerTo, serveFederation } from './federation-over-http.ts'
import type { ServedFederation } from './federation-over-http.ts'
import { composed, library, shop } from './federations.ts'
import { randomOperation } from './random-operation.ts'

const operations = 12
const served: ServedFederation[] = []

afterAll(() => Promise.all(served.map((federation) => federation.close())))

test.each([shop, library].map((federation) => [federation.name, federation] as const))(
  'random operations over %s get the same bytes at first sight, when seen before, and by the pipeline',
  async (_name, federation) => {
    const { gateway, ...running } = await serveFederation(federation)
    served.push({ gateway, ...running })
    const fetchSubgraph = () => Promise.reject(new Error('only the schema is used'))
    const { apiSchema } = await nativeExecutor({
      supergraphSdl: composed(federation),
      fetchSubgraph,
    })
    const seen = { data: 0, errors: 0 }
    for (let seed = 1; seed <= operations; seed++) {
      const { text: query, variables } = randomOperation(apiSchema, { seed })
      const first = await answerTo(gateway.url, { query, variables })
      const again = await answerTo(gateway.url, { query, variables })
      const pipeline = await answerTo(gateway.url, { query, variables, extensions: {} })
      expect({ seed, query, answer: again }).toEqual({ seed, query, answer: first })
      expect({ seed, query, answer: pipeline }).toEqual({ seed, query, answer: first })
      seen[first.includes('{"errors":') ? 'errors' : 'data']++
    }
    expect(seen.data).toBeGreaterThan(5)
    expect(seen.errors).toBeGreaterThan(0)
  },
)
