// The server's answers, and its errors as texts for people.

async function answered(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer: is groundloop serve still running?");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error || `The server answers ${response.status}.`);
  return body;
}

/** Describes the model: its classes with thresholds and colours. */
export const describe = () => answered("model");

/** Detects the objects on a file; boxes in pixels of the image as it is stored. */
export const detect = (file) => answered("invocations", {
  method: "POST",
  headers: {
    "Content-Type": file.type.startsWith("image/") ? file.type : "application/x-image",
    "Accept": "application/json;annotation=1",
  },
  body: file,
});
