/** How long a stream by HTTP is silent at most. */
import { expect, test } from '@jest/globals'
import { PassThrough } from 'node:stream'
import type { ServerResponse } from 'node:http'
import { eventStreamFormat } from '../../gateway/http/event-stream.ts'
import { multipartFormat } from '../../gateway/http/multipart.ts'
import { HttpStreamConnection } from '../../gateway/streaming/http-stream-connection.ts'
import type { HttpStreamParts } from '../../gateway/streaming/http-stream-connection.ts'

test.each([
  ['an event stream, as long as the setting says', eventStreamFormat, 12_000, 12_000],
  ['a multipart response, 5 s, which its clients expect', multipartFormat, 12_000, 5_000],
  ['a multipart response, less if the setting says so', multipartFormat, 1_000, 1_000],
])('%s', (_name, format, heartbeat, longest) => {
  const stream = new PassThrough()
  const connection = new HttpStreamConnection(
    stream as unknown as ServerResponse,
    {
      format,
      heartbeat: () => heartbeat,
      subscription: { open: () => ({ close() {} }) },
      request: () => ({}),
      onClosed() {},
    } as unknown as HttpStreamParts,
  )
  const start = performance.now()
  expect(String(stream.read())).toBe(format.start)
  connection.beat(start + longest - 100)
  expect(stream.read()).toBeNull()
  connection.beat(start + longest)
  expect(String(stream.read())).toBe(format.heartbeat)
  stream.destroy()
})
