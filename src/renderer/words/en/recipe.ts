// Words of every field of the recipe that the advanced drawer shows, by its path: the plain title, the exact term, what
// it does, and why its value is what it is. A test compares this file with the schema.
import { deviceNames } from './devices.ts'

export const recipe = {
  groups: {
    duration: 'How long it learns',
    before: 'Texts of your field, before your rows',
    optimizer: 'How strongly it learns',
    regularisation: 'Against learning by heart',
    schedule: 'How the strength changes',
    method: 'What is trained',
    batch: 'How many rows at once',
    evaluation: 'When to measure, and when to stop',
    checkpoints: 'Safe points to go on from',
    computer: 'This computer',
  },
  /** What a setting needs in order to count (shared/setting-sense.ts). */
  needs: {
    adapter: 'only with a small adapter',
    'frozen-weights': 'only where the model’s own weights stay as they are',
    'trained-layers': 'only where layers of the model learn',
    'resting-layers': 'only where some layers rest',
    momentum: 'not with this method of improving',
    'second-average': 'not with this method of improving',
    adam: 'only with AdamW',
    patience: 'only where a run may stop early',
    'no-shares': 'not where shares of the run say when it is measured',
    'first-stage': 'only with texts of your field, which you add below your rows',
    'one-half': 'not with a model of two halves (T5), which keeps its rows apart',
  },
  /** Where a value's reason goes by what is trained. */
  reasons: {
    device: 'Chosen by you: this run is computed on it, whatever the settings say or the measurement found.',
    full: {
      kind: 'All weights learn: the most room for what is new, and the most memory and disk.',
      learningRate: '0.00002 is usual for a whole model: steps of an adapter’s size wash out what it knows.',
    },
    head: {
      epochs:
        'Each pass of one layer over what was kept is short, so there may be many, and the best version is kept even if it is an earlier one.',
      kind: 'The quickest way to learn labels, and the model stays as it is. With an adapter beside it more can be learnt, in more time.',
      learningRate: '0.01 suits a single new layer: nothing below it moves, so it bears large steps.',
      noise:
        'None, because the model’s layers are computed once, and noise would have to be new in every pass.',
      reuse:
        'On, because no layer of the model learns: it reads your rows once, and the new layer learns from what is kept.',
    },
    'lora-head': {
      kind: 'A new layer names the labels, and a small adapter fits the model to them.',
      learningRate:
        '0.0005 is usual for a new layer beside an adapter: a little more than an adapter’s own 0.0002.',
    },
    'full-head': {
      kind: 'All weights learn, and a new layer names the labels: the most room for what is new, and the most memory and disk.',
      learningRate:
        '0.00002 is usual for a whole model and a new layer on it: steps of an adapter’s size wash out what it knows.',
    },
    lion: 'A fifth of what is usual with AdamW: Lion moves every weight by the whole rate.',
    sgd: 'Fifty times what is usual with AdamW: plain steps go by the gradients as they are, which are small.',
  },
  leftOut: 'Without effect here, and left out: {names} ({need}).',
  idle: 'Your change has no effect here: {need}.',
  fields: {
    duration: {
      epochs: {
        title: 'Times through your rows',
        term: 'epochs',
        help: 'How often the model sees every row you gave it to learn from. Too often and it learns them by heart.',
        why: 'Three times is enough for most goals, and the best version is kept even if it is an earlier one.',
      },
      maxSteps: {
        title: 'Stop after so many steps',
        term: 'maximum steps',
        help: 'Ends the run early, however many rows are left. Good for a first look.',
        why: 'Without a limit the run sees all rows as often as you said.',
        none: 'No limit',
      },
    },
    before: {
      epochs: {
        title: 'Times through the texts',
        term: 'first stage, epochs',
        help: 'How often the model reads the texts of your field before it turns to your rows.',
        why: 'Once is a careful start: texts that are read often are learnt by heart, and other things are forgotten.',
      },
      learningRate: {
        title: 'How strongly it learns from them',
        term: 'first stage, learning rate',
        help: 'How far the weights move in one step while the model reads the texts of your field.',
        why: 'One strength for both is the simplest. A lower one changes the model less where texts are many.',
        none: 'The same as for your rows',
      },
    },
    optimizer: {
      kind: {
        title: 'Method of improving',
        term: 'optimizer',
        help: 'The rule by which the weights change after each step. The usual strength goes by it: Lion wants a lower one than AdamW, plain steps a much higher one.',
        why: 'AdamW is what nearly all fine-tuning uses, and it forgives a rough choice of the other settings.',
        choices: {
          adamw: 'AdamW',
          'adamw-8bit': 'AdamW, small memory (8-bit)',
          adafactor: 'Adafactor, smallest memory',
          lion: 'Lion',
          sgd: 'Plain steps (SGD)',
        },
      },
      learningRate: {
        title: 'How strongly it learns',
        term: 'learning rate',
        help: 'How far the weights move in one step. Too low and nothing is learnt, too high and what was there breaks.',
        why: '0.0002 is the usual strength for small adapters; a whole model wants about a tenth of it.',
      },
      beta1: {
        title: 'How long a direction is kept',
        term: 'beta 1, momentum',
        help: 'How much of the last steps flows into the next one.',
        why: '0.9 is the value of the method’s authors; there is rarely a reason to change it.',
      },
      beta2: {
        title: 'How long a size is kept',
        term: 'beta 2',
        help: 'Over how many steps the usual size of each change is averaged.',
        why: '0.999 is the value of the method’s authors, and suits noisy, small batches.',
      },
      epsilon: {
        title: 'Smallest divisor',
        term: 'epsilon',
        help: 'Keeps the calculation safe where a weight hardly changes.',
        why: '1e-8 is the value of the method’s authors.',
      },
      weightDecay: {
        title: 'Pull towards zero',
        term: 'weight decay',
        help: 'Shrinks the new weights a little at each step, so that none grows without a reason.',
        why: 'A little of it steadies long runs; in short ones it hardly matters.',
      },
      clipNorm: {
        title: 'Limit of one step',
        term: 'gradient clipping',
        help: 'A single odd row cannot push the model further than this.',
        why: '1 leaves ordinary steps alone and catches the wild ones.',
        none: 'No limit',
      },
      layerDecay: {
        title: 'Lower layers learn more gently',
        term: 'layer-wise learning-rate decay',
        help: 'Each layer learns at this share of the strength of the layer above it.',
        why: '1 treats all layers alike, which suits adapters; 0.9 is for training all weights.',
      },
    },
    regularisation: {
      neftuneAlpha: {
        title: 'Noise on what is read',
        term: 'NEFTune, alpha',
        help: 'A little noise is added to the words while training, so that they are not learnt by heart.',
        why: 'It helps some chat data and harms none much; 5 is the usual value where it is wanted.',
        none: 'No noise',
      },
      labelSmoothing: {
        title: 'Doubt in the right answer',
        term: 'label smoothing',
        help: 'This share of each right answer is spread over all others, so that the model does not become too sure.',
        why: '0 lets the model be as sure as your rows are.',
      },
      averaging: {
        title: 'Average of the last steps',
        term: 'exponential moving average, decay',
        help: 'What is measured and kept is an average over the last steps: steadier, a little behind.',
        why: 'Short runs hardly need it; 0.99 averages over about a hundred steps.',
        none: 'No average',
      },
    },
    schedule: {
      kind: {
        title: 'Strength over the run',
        term: 'schedule',
        help: 'Whether the strength of learning stays the same or sinks towards the end.',
        why: 'Sinking gently lets the model settle at the end.',
        choices: { constant: 'Stays the same', linear: 'Sinks evenly', cosine: 'Sinks gently' },
      },
      warmupShare: {
        title: 'Gentle start',
        term: 'warm-up',
        help: 'The share of the run in which the strength grows from nothing to its full value.',
        why: 'A twentieth of the run keeps the first steps from doing harm.',
      },
    },
    method: {
      kind: {
        title: 'Way of training',
        term: 'method',
        help: 'A small adapter beside the model, the whole model itself, or a new last layer that names a label: alone, or together with one of these.',
        why: 'An adapter needs little memory, is small to keep, and can be taken off again.',
        choices: {
          lora: 'Small adapter (LoRA)',
          full: 'The whole model (full)',
          head: 'Only a new last layer (head)',
          'lora-head': 'Small adapter and new last layer (LoRA, head)',
          'full-head': 'The whole model and a new last layer (full, head)',
        },
      },
      rank: {
        title: 'Room for new knowledge',
        term: 'rank',
        help: 'How wide the adapter is. More room learns finer differences, and takes more memory and time.',
        why: '8 is enough for one goal with up to some thousand rows.',
      },
      alpha: {
        title: 'Weight of what was learnt',
        term: 'alpha',
        help: 'How strongly the adapter counts: its output is multiplied by this number and divided by the rank (or its root).',
        why: 'Twice the rank is the usual choice.',
      },
      targets: {
        title: 'Parts that get an adapter',
        term: 'target modules',
        help: 'Which parts of each layer can learn. Fewer parts are faster and learn less.',
        why: 'All parts learn best for the same number of weights.',
        choices: {
          q_proj: 'What is looked for (q)',
          k_proj: 'What is offered (k)',
          v_proj: 'What is passed on (v)',
          o_proj: 'What comes of it (o)',
          gate_proj: 'Gate (gate)',
          up_proj: 'Widening (up)',
          down_proj: 'Narrowing (down)',
        },
      },
      topLayers: {
        title: 'Only the uppermost layers',
        term: 'top layers',
        help: 'Trains only so many layers, counted from the answer. Faster, and less is learnt.',
        why: 'All layers learn best; fewer are for a computer that is short of time.',
        none: 'All layers',
      },
      scaling: {
        title: 'How the room counts',
        term: 'LoRA scaling',
        help: 'Whether the weight of what was learnt is divided by the rank or by its square root.',
        why: 'The usual division suits small ranks; the root keeps a rank above 64 from learning too little.',
        choices: { standard: 'By the rank (LoRA)', 'rank-stabilised': 'By its root (rsLoRA)' },
      },
      decomposed: {
        title: 'Learn size and direction apart',
        term: 'DoRA',
        help: 'The size of each row of weights is learnt by a number of its own. Slower, and sometimes better at a small rank.',
        why: 'Off, because it costs time and seldom changes the outcome.',
      },
      base: {
        title: 'How the model is kept in memory',
        term: 'base weights, quantisation',
        help: 'The frozen model can be kept in 8 or 4 bits: a larger model fits, at some time and a small loss. Of the two kinds of 4 bits int4 lost less with the starter, whose weights were rounded to such numbers before.',
        why: 'As it is: nothing is lost, and small models fit.',
        choices: {
          float: 'As it is',
          int8: '8 bits',
          int4: '4 bits (int4)',
          nf4: '4 bits for normal weights (NF4, QLoRA)',
        },
      },
    },
    batch: {
      microRows: {
        title: 'Rows at once',
        term: 'batch size',
        help: 'Rows that go through the model together. More are faster to a point, and take more memory.',
        why: '8 rows use a processor well without filling the memory.',
      },
      accumulation: {
        title: 'Batches to one step',
        term: 'gradient accumulation',
        help: 'Several small batches count as one large one: a steadier step without more memory.',
        why: '1 makes the most steps, which small data sets need.',
      },
      maxTokens: {
        title: 'Longest row',
        term: 'maximum tokens',
        help: 'Longer rows are left out and listed with this reason; none is cut. A token is about three quarters of a word.',
        why: '512 holds most messages and answers; memory grows with it.',
      },
      rowsAtOnce: {
        title: 'Rows computed at a time',
        term: 'micro-batch part',
        help: 'Splits a batch into parts that are computed one after the other: less memory, the same result, more time.',
        why: 'Whole batches are the fastest; it is lowered by itself where memory is short.',
        none: 'All of a batch',
      },
      packing: {
        title: 'Rows one behind the other',
        term: 'packing',
        help: 'Rows are put into one long line without gaps; none sees another. In most models that write on, what all rows begin with, such as an instruction, is then computed once. The result is the same but for rounding, only quicker.',
        why: 'On, because no row waits for a longer one, and a long instruction is not computed anew for each.',
      },
    },
    evaluation: {
      everySteps: {
        title: 'Steps between two measurements',
        term: 'evaluation interval',
        help: 'How often the model is measured on rows it does not learn from. Each measurement takes a little time.',
        why: 'About eight measurements show the course of a run.',
        none: 'About eight in a run',
      },
      patience: {
        title: 'Stop when it no longer helps',
        term: 'early stopping, patience',
        help: 'The run ends after so many measurements in a row without improvement.',
        why: 'Three in a row are hardly an accident, and no night is wasted.',
        none: 'Never stop early',
      },
      mostRows: {
        title: 'Rows of a measurement, at most',
        term: 'evaluation rows',
        help: 'Measures on so many of the rows it does not learn from, the same ones each time. Fewer are quicker and less certain.',
        why: 'All of them, because every row makes the figure more certain.',
        none: 'All of them',
      },
      minImprovementNats: {
        title: 'What counts as better',
        term: 'minimum improvement, in nats',
        help: 'A smaller gain than this on the measuring rows is taken as none.',
        why: '0.001 is about the noise of a small measurement.',
      },
    },
    checkpoints: {
      everySeconds: {
        title: 'Seconds between two safe points',
        term: 'checkpoint interval, in seconds',
        help: 'After a crash or a power cut the run goes on from the last safe point.',
        why: 'At most two minutes of work can be lost.',
        none: 'Not by time',
      },
      everySteps: {
        title: 'Steps between two safe points',
        term: 'checkpoint interval, in steps',
        help: 'Safe points by steps, in addition to those by time.',
        why: 'Time is the better measure of what can be lost.',
        none: 'Not by steps',
      },
      keepLast: {
        title: 'Safe points that are kept',
        term: 'checkpoints kept',
        help: 'Older ones are removed. The best version is always kept.',
        why: 'Three leave a choice, should the last one be damaged.',
      },
    },
    gradientCheckpointing: {
      title: 'Save memory',
      term: 'gradient checkpointing',
      help: 'Works out in-between results a second time instead of keeping them: less memory, about a third more time.',
      why: 'On, because a run that does not fit teaches nothing.',
    },
    reuseFrozenLayers: {
      title: 'Compute the resting layers once',
      term: 'frozen-prefix cache',
      help: 'Where only upper layers learn, what the lower ones give is computed once and kept on disk: later passes are much quicker.',
      why: 'It needs disk space, and only helps where not all layers learn.',
    },
    seed: {
      title: 'Number that chance starts from',
      term: 'seed',
      help: 'The same number with the same settings gives the same run. Another number shows how much is luck.',
      why: '42 is as good as any.',
    },
    device: {
      title: 'Compute on',
      term: 'device',
      help: 'What does the arithmetic: the processor or a graphics card, by which engine, in which kind of numbers. Only what can be used now is offered; Settings shows what is missing for the others.',
      why: 'What the settings say: usually whatever was measured to be fastest on this computer.',
      none: 'As in the settings, usually the fastest',
      choices: deviceNames,
    },
    threads: {
      title: 'Processor threads',
      term: 'threads',
      help: 'How much of the processor the run may use. Fewer leave more for your other work.',
      why: 'One for each physical core is the fastest.',
      none: 'One for each core',
    },
  },
} as const
