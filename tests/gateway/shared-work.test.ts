import { expect, test } from '@jest/globals'
import { RequestSignal } from '../../gateway/http/request-signal.ts'
import { sharedWork } from '../../gateway/planning/shared-work.ts'

const unavailable = { reason: 'SERVICE_UNAVAILABLE' }

test('who goes away does not wait any longer, and the others get what they wait for', async () => {
  let finish = (_value: string) => {}
  let abandoned: AbortSignal | undefined
  const work = sharedWork((signal) => {
    abandoned = signal
    return new Promise<string>((resolve) => (finish = resolve))
  })
  const [leaving, staying] = [new RequestSignal(), new RequestSignal()]
  const outcomes = [work.wait(leaving), work.wait(staying)]
  leaving.abort()
  await expect(outcomes[0]).rejects.toMatchObject(unavailable)
  expect(abandoned!.aborted).toBe(false)
  finish('done')
  expect(await outcomes[1]).toBe('done')
})

test('work that nobody waits for any longer is abandoned', async () => {
  let abandoned: AbortSignal | undefined
  const work = sharedWork((signal) => {
    abandoned = signal
    return new Promise<string>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new Error('abandoned'))),
    )
  })
  const gone = new RequestSignal()
  const [first, second] = [new RequestSignal(), gone]
  gone.abort()
  const outcome = work.wait(first)
  await expect(work.wait(second)).rejects.toMatchObject(unavailable)
  expect(abandoned!.aborted).toBe(false)
  first.abort()
  await expect(outcome).rejects.toMatchObject(unavailable)
  expect(abandoned!.aborted).toBe(true)
})
