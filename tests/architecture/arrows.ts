/**
 * Who may import whom: a file may import its own area, and what its area uses. A file belongs to the
 * area that names it most closely, so `gateway/gateway.ts` is in `gateway` and `gateway/http/send.ts` in
 * `gateway/http`. gateway, auth and users never meet here: between them there is only HTTP.
 */
export interface Area {
  readonly area: string
  readonly uses: readonly string[]
}

/**
 * What every stage of the gateway may use: the error table, the contract with the subgraphs, how JSON
 * and bodies are read, what is made once, how long work yields to the event loop, and what is known of a client's request.
 */
const foundations = [
  'gateway/errors.ts',
  'gateway/slices.ts',
  'gateway/client-request.ts',
  'gateway/graphql',
  'gateway/values',
  'subgraphs/kit',
]

export const arrows: readonly Area[] = [
  { area: 'tests', uses: ['gateway', 'subgraphs', 'scripts'] },
  { area: 'scripts', uses: ['gateway', 'subgraphs', 'tests'] },

  // What joins the stages; the stages do not know each other.
  { area: 'gateway', uses: ['gateway', 'subgraphs/kit'] },
  { area: 'gateway/process', uses: ['gateway', 'subgraphs/kit'] },
  { area: 'gateway/supergraph', uses: ['gateway', 'subgraphs/kit'] },
  { area: 'gateway/graphql', uses: [] },
  { area: 'gateway/values', uses: [] },
  { area: 'gateway/http', uses: foundations },
  { area: 'gateway/authentication', uses: foundations },
  { area: 'gateway/operations', uses: foundations },
  { area: 'gateway/rates', uses: foundations },
  { area: 'gateway/authorization', uses: foundations },
  { area: 'gateway/planning', uses: foundations },
  { area: 'gateway/execution', uses: foundations },
  { area: 'gateway/forwarding', uses: foundations },
  // Connections that live long; they write what http writes, and their operations are reported like requests.
  { area: 'gateway/streaming', uses: [...foundations, 'gateway/http', 'gateway/telemetry'] },
  // What is reported of single requests: no stage of a request knows it.
  { area: 'gateway/telemetry', uses: [...foundations, 'gateway/http'] },
  // What browsers run: a program of its own, which knows the server by its responses alone.
  { area: 'gateway/console', uses: [] },
  // The form of gateway.yaml: it speaks the words of the stages that it configures.
  {
    area: 'gateway/configuration',
    uses: [...foundations, 'gateway/authentication', 'gateway/authorization', 'gateway/forwarding'],
  },

  { area: 'subgraphs/auth', uses: ['subgraphs/kit', 'subgraphs/storage'] },
  { area: 'subgraphs/users', uses: ['subgraphs/kit', 'subgraphs/storage'] },
  { area: 'subgraphs/kit', uses: [] },
  { area: 'subgraphs/storage', uses: [] },
]

/** Names that say nothing about what is inside. */
export const emptyNames = ['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'misc']
