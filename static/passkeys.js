"use strict";
/* Forms with data-passkey: before such a form is sent, its address there says what the browser is to ask a passkey, and
   the answer goes into the form's hidden field. With data-passkey-new a passkey is made instead. Without script the
   form is sent empty, and the server says what to do. */

class Trouble extends Error {}

const CANCELLED = "No passkey was used: it was cancelled, took too long, or this device has none for this site.";
const FAILED = "Your browser could not use a passkey. Try again, or use another device.";
const REASONS = {
  NotAllowedError: CANCELLED,
  AbortError: CANCELLED,
  InvalidStateError: "This device keeps a passkey of yours already.",
  NotSupportedError: "This device cannot make a passkey that asks who you are. Use another one.",
  ConstraintError: "This device cannot make a passkey that asks who you are. Use another one.",
  SecurityError: "Your browser does not allow passkeys at this address.",
};

/* The standard writes bytes as base64url without padding. */

const toBytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
};

const toText = (buffer) => {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const named = (list = []) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

const make = async (asked) => {
  const { response, rawId, type } = await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: toBytes(asked.challenge),
      user: { ...asked.user, id: toBytes(asked.user.id) },
      excludeCredentials: named(asked.excludeCredentials),
    },
  });
  return {
    rawId: toText(rawId),
    type,
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      attestationObject: toText(response.attestationObject),
      transports: response.getTransports?.() ?? [],
    },
  };
};

const use = async (asked) => {
  const { response, rawId, type } = await navigator.credentials.get({
    publicKey: {
      ...asked,
      challenge: toBytes(asked.challenge),
      allowCredentials: named(asked.allowCredentials),
    },
  });
  return {
    rawId: toText(rawId),
    type,
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      authenticatorData: toText(response.authenticatorData),
      signature: toText(response.signature),
      userHandle: response.userHandle ? toText(response.userHandle) : null,
    },
  };
};

/** Fetch what a passkey is to answer; null when something else comes first, such as a confirmation: the page itself
    leads there. */
const question = async (form) => {
  let answer;
  try {
    answer = await fetch(form.dataset.passkey, {
      method: "POST",
      body: new URLSearchParams({ csrf_token: form.elements.csrf_token.value }),
      headers: { Accept: "application/json" },
      cache: "no-store",
    });
  } catch {
    throw new Trouble("Chatelaine cannot be reached. Check your connection and try again.");
  }
  if (answer.redirected) {
    await answer.text();
    location.assign(location.pathname);
    return null;
  }
  const json = answer.headers.get("Content-Type")?.startsWith("application/json");
  const said = json ? await answer.json() : {};
  if (!answer.ok || !json) throw new Trouble(said.error ?? "That did not work. Load the page again.");
  return said;
};

const tell = (form, words) => {
  const place = form.querySelector("[data-passkey-trouble]");
  place.querySelector("span").textContent = words;
  place.hidden = words === "";
};

const answer = async (form) => {
  if (!window.PublicKeyCredential) throw new Trouble("This browser knows no passkeys. Use another one.");
  const asked = await question(form);
  if (!asked) return;
  const given = await ("passkeyNew" in form.dataset ? make(asked) : use(asked));
  form.elements.credential.value = JSON.stringify(given);
  form.submit();
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("passkey" in form.dataset)) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  tell(form, "");
  try {
    await answer(form);
  } catch (error) {
    if (error instanceof Trouble) tell(form, error.message);
    else if (error instanceof DOMException) tell(form, REASONS[error.name] ?? FAILED);
    else throw error;
  } finally {
    button.disabled = false;
  }
});

/* An answer is good once: none may be left when somebody comes back to the page. */
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-passkey]")) form.elements.credential.value = "";
});
