import { resolve } from 'node:path'
import { z } from 'zod'
import { clientList } from './clients.ts'
import { keysFromOnePlace, sourceKeys } from './supergraph.ts'
import { camelCased, duration, flag, size, text, texts } from './values.ts'

const manifestWithSettings = z
  .strictObject({ from: text().describe('A file, or an https URL'), ...sourceKeys })
  .transform(camelCased)
  .refine(...keysFromOnePlace)

/** A manifest by its place alone, or with what is special about it. */
const manifestSchema = z.union([
  text().transform((from) => manifestWithSettings.parse({ from })),
  manifestWithSettings,
])

/** Callers that may send any text, by what is verified of them. */
const exemptSchema = z
  .strictObject({
    scopes: texts().optional().describe('Callers with one of these scopes'),
    clients: clientList()
      .optional()
      .describe(
        'Callers whose access token was issued to one of these clients: its claim client_id, else azp, cid or appid',
      ),
  })
  .prefault({})
  .transform(({ scopes = [], clients = [] }) => ({ scopes, clients }))

const automaticSchema = z
  .union(
    [
      z.literal(false),
      z.strictObject({
        memory: size({ least: '1KB', most: '1000MB' })
          .default(30 * 1024 * 1024)
          .describe('The memory of one process for registered texts; the oldest are forgotten'),
        ttl: duration({ least: '1s', most: '30d' })
          .default(24 * 3_600_000)
          .describe('How long a registered text is kept that nobody uses'),
        registered_by: z
          .enum(['anyone', 'authenticated'])
          .default('anyone')
          .describe('Who may register a text; authenticated: callers with a valid access token'),
      }),
    ],
    'expected false, or an object with memory, ttl and registered_by',
  )
  .default(false)
  .transform((automatic) => (automatic === false ? undefined : camelCased(automatic)))
  .describe(
    'Automatic persisted queries: clients register texts by their hashes; false: they cannot',
  )

/** `operations:` of gateway.yaml: which operations are known, and whether others are accepted. */
export const operationsSchema = z
  .strictObject({
    manifests: z
      .array(manifestSchema)
      .max(50, 'expected at most 50 manifests')
      .default([])
      .describe('The manifests of known operations'),
    accept: z
      .enum(['any', 'known', 'ids'])
      .default('any')
      .describe(
        'any: every operation; known: those of the manifests, by id or by exactly their text; ids: those of the manifests, by id only',
      ),
    exempt: exemptSchema,
    log_unknown: flag()
      .default(true)
      .describe('Logs each operation that is in no manifest, once, with the nearest known one'),
    automatic: automaticSchema,
  })
  .prefault({})
  .transform(camelCased)
  .superRefine(({ manifests, accept, automatic }, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (accept !== 'any' && manifests.length === 0) problem('accept', `${accept} needs manifests`)
    if (accept !== 'any' && automatic) {
      problem('automatic', 'needs accept: any, as clients register operations of their own')
    }
  })

export type OperationsSettings = z.output<typeof operationsSchema>
export type ManifestSettings = OperationsSettings['manifests'][number]

/** Relative paths of manifests start at the directory of the configuration. */
export function resolveManifests({ manifests }: OperationsSettings, directory: string): void {
  for (const manifest of manifests) {
    if (!/^https?:\/\//i.test(manifest.from)) manifest.from = resolve(directory, manifest.from)
  }
}
