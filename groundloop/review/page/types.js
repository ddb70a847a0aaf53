/**
 * What the page and its server say to each other, and what the modules pass around. Types only.
 * All coordinates are pixels of the stored image; `left` and `top` count from its top left corner.
 *
 * @typedef {{x: number, y: number}} Point
 * @typedef {{width: number, height: number}} Size
 * @typedef {{left: number, top: number, width: number, height: number}} Rect
 * @typedef {{zoom: number, x: number, y: number}} View screen pixels per image pixel, and where the image's corner lies
 *
 * @typedef {{message: string, code: string, values: Record<string, string | number>}} Problem what is wrong with a
 *   request, in English, with the code and the values by which the page says it in another language
 *
 * @typedef {{id: number, name: string, color: string}} BoxClass
 * @typedef {{
 *   total: number, answered: number, mine: number, left: number, median_seconds: number | null, waiting: number,
 *   adjudication: number
 * }} Progress
 * @typedef {{
 *   name: string, classes: BoxClass[], instructions: string | null, reviewer: string, mode: "review" | "label",
 *   lease_seconds: number, class_unsure_edges: number[], progress: Progress
 * }} Queue
 *
 * @typedef {Rect & {
 *   class_id: number, score: number | null, counted: boolean, doubt?: number | null, person: number | null
 * }} ShownBox `person` drew it, from 0: a box on which people disagree, and which is to be decided on
 * @typedef {Rect & {class_id: number, from: number | null}} AnswerBox
 * @typedef {"boxes" | "skip" | "bad-image" | "unsure"} Outcome
 * @typedef {{
 *   client_id: string, task: number, lease: string, outcome: Outcome, boxes: AnswerBox[], comment: string | null,
 *   accepted_at: string, submitted_at: string, seconds: number, adjudicates: boolean
 * }} Answer
 * @typedef {{
 *   id: number, name: string, width: number, height: number, lease: string, shown: "model" | "labels" | "nothing",
 *   why: string[], expected_mistakes: number | null, boxes: ShownBox[], grid: boolean, answer: Answer | null,
 *   people: number, bad_image: number
 * }} Task `people` answered it and disagree, of whom `bad_image` called the image bad; 0 for other tasks
 *
 * @typedef {Rect & {
 *   key: number, classId: number, score: number | null, counted: boolean, from: number | null, doubt: number,
 *   touched: boolean, person: number | null
 * }} EditedBox a box in the editor; `touched` once a person has changed or taken it
 * @typedef {{boxes: EditedBox[], floor: number | null}} Edit
 */

export {};
