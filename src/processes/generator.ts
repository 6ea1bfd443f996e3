// Entry point of the generator process: written answers of a base and a tuned model, either all answers of
// one job or a conversation that goes on.
import { type GeneratorEvent, type GeneratorJob, generatorCommand } from '#shared/proof-protocol.ts'
import { serveChat } from './generator/serve-chat.ts'
import { writeAnswers } from './generator/write-answers.ts'
import { serveJob } from './serve-job.ts'

serveJob<GeneratorJob, GeneratorEvent>(generatorCommand, 'generator.failed', writeAnswers, serveChat())
