// Entry point of the generator process: written answers of a base and a tuned model by llama.cpp.
import { type GeneratorEvent, type GeneratorJob, generatorCommand } from '#shared/proof-protocol.ts'
import { writeAnswers } from './generator/write-answers.ts'
import { serveJob } from './serve-job.ts'

serveJob<GeneratorJob, GeneratorEvent>(generatorCommand, 'generator.failed', writeAnswers)
