from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.errors import NotFound
from clinic.storage import Patient, get_session

router = APIRouter(prefix="/patients", tags=["patients"])

Database = Annotated[Session, Depends(get_session)]


class PatientIn(BaseModel):
    name: str = Field(min_length=1, max_length=100)


class PatientOut(PatientIn):
    model_config = ConfigDict(from_attributes=True)

    id: int


def patient_of_path(patient_id: int, session: Database) -> Patient:
    patient = session.get(Patient, patient_id)
    if patient is None:
        raise NotFound(f"No patient {patient_id}")
    return patient


PatientOfPath = Annotated[Patient, Depends(patient_of_path)]


@router.get("", response_model=list[PatientOut])
def list_patients(
    request: Request, session: Database, page: Annotated[int, Query(ge=1, le=10_000)] = 1
) -> list[Patient]:
    size = request.app.state.settings.page_size
    found = session.scalars(
        select(Patient).order_by(Patient.id).offset((page - 1) * size).limit(size)
    )
    return list(found)


@router.post("", response_model=PatientOut, status_code=201)
def admit(wanted: PatientIn, session: Database) -> Patient:
    patient = Patient(name=wanted.name)
    session.add(patient)
    session.commit()
    return patient


@router.get("/{patient_id}", response_model=PatientOut)
def read_patient(patient: PatientOfPath) -> Patient:
    return patient
