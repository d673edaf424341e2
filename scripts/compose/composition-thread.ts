/** The composition thread. Its data are the subgraphs; its only message is the outcome. */
import { parentPort, workerData } from 'node:worker_threads'
import { composeSubgraphs } from './compose-subgraphs.ts'
import type { SubgraphToCompose } from './composition-messages.ts'

parentPort!.postMessage(composeSubgraphs(workerData as SubgraphToCompose[]))
