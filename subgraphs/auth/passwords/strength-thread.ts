/** The estimator's thread: zxcvbn, which may take seconds for a text of a hundred characters. */
import { parentPort } from 'node:worker_threads'
import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'
import { dictionary as english, translations } from '@zxcvbn-ts/language-en'
import type { EstimateTask, PasswordStrength } from './password-strength.ts'

const estimator = new ZxcvbnFactory({
  dictionary: { ...dictionary, ...english },
  graphs: adjacencyGraphs,
  translations,
})

function strengthOf({ password, known }: EstimateTask): PasswordStrength {
  const { score, feedback } = estimator.check(password, [...known])
  return { score, warning: feedback.warning, suggestions: feedback.suggestions }
}

parentPort!.on('message', (task: EstimateTask) => parentPort!.postMessage(strengthOf(task)))
parentPort!.postMessage('ready')
